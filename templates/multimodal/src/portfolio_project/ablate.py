"""Train one model for each named configuration on the same data, and compare them in a table."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .config import config_names, load_config
from .embedder import Embedder
from .ingest import RUN_FILE, fitted_to, require
from .progress import Bars
from .provenance import RunManifest, read_run, save_report
from .settings import Settings
from .train import produce

REPORT = "ablation.json"
DEFAULT = (
    "default",
    "no_attributes",
    "no_hard_negatives",
    "no_word_convolution",
    "no_output_norm",
    "siglip",
    "adamw",
)


def run(settings: Settings, names: Sequence[str] = ()) -> Iterator[str]:
    """Train and measure each configuration; those trained already on these data are only measured.

    Writes `ablation.json` into the reports: one row a configuration, earlier rows kept. Nothing
    is registered. Raises ConfigError, DatasetError.
    """
    configs = [load_config(name) for name in (names or DEFAULT)]
    rows = _rows(settings.reports_dir / REPORT)
    for config in configs:
        folder = settings.models_dir / config.name
        began, cpu = time.monotonic(), _children_seconds()
        data = require(settings.dataset_dir, config.model.modalities)
        fitted = fitted_to(data, config).model_dump(mode="json")
        if not _is_done(folder, fitted, settings.dataset_dir):
            with Bars() as progress:
                produce(settings.dataset_dir, folder, config, progress)
            rows.pop(config.name, None)
        spent = (time.monotonic() - began, _children_seconds() - cpu)
        row = rows.get(config.name) or _measure(config.name, folder, settings.dataset_dir, *spent)
        rows[config.name] = row
        save_report(settings.reports_dir / REPORT, _report(rows))
        yield f"{config.name}: " + "  ".join(
            f"{key} {_show(row[key])}" for key in sorted(row) if key != "config"
        )


def _report(rows: dict[str, dict[str, float | str]]) -> dict[str, Any]:
    """All rows, those of models that hear, which have more columns, and each by its name."""
    hear = [row for row in rows.values() if "sound_to_image_recall_at_1" in row]
    return {"rows": list(rows.values()), "with_sound": hear, "by_name": rows}


def _children_seconds() -> float:
    """Processor time of the processes that this one started and that have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system


def _measure(
    name: str, folder: Path, dataset: Path, wall: float, cpu: float
) -> dict[str, float | str]:
    from .evaluation.measure import measure  # noqa: PLC0415 - only where it is needed

    embedder = Embedder.load(folder, threads=2)
    report = measure(embedder, Embedder.load(folder, threads=2, numbers="int8"), dataset).report
    figures = {key: value for key, value in report["headline"].items() if key in _shown(report)}
    return {"config": name, "wall_s": round(wall), "cpu_s": round(cpu), **figures}


def _shown(report: dict[str, Any]) -> set[str]:
    """The headline figures that every configuration has, and those of sound where there is one."""
    more = {name for name in report["headline"] if "sound" in name and name.endswith("_at_1")}
    return more | {
        "text_to_image_recall_at_1",
        "text_to_image_recall_at_5",
        "attributes_to_image_recall_at_1",
        "swap_relation",
        "swap_colour",
        "swap_shape",
        "swap_texture",
        "held_out_recall_at_1",
        "hard_recall_at_1",
    }


def _show(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}" if value > 1 else f"{value:.1%}"


def _is_done(folder: Path, config: dict[str, Any], dataset: Path) -> bool:
    """Whether `folder` holds this very configuration, trained on these very data by this code."""
    if not (folder / RUN_FILE).exists():
        return False
    run = read_run(folder / RUN_FILE)
    now = RunManifest.capture("train", inputs={}, outputs={}, config=config, seed=run.seed)
    data = read_run(dataset / RUN_FILE)
    same_data = {name: one.sha256 for name, one in run.inputs.items()} == {
        name: one.sha256 for name, one in data.outputs.items() if name in run.inputs
    }
    return (
        same_data and run.config_sha256 == now.config_sha256 and run.code_sha256 == now.code_sha256
    )


def _rows(path: Path) -> dict[str, dict[str, float | str]]:
    try:
        found = json.loads(path.read_bytes())["rows"]
    except (OSError, ValueError, KeyError):
        return {}
    known = config_names()
    return {row["config"]: row for row in found if row["config"] in known}
