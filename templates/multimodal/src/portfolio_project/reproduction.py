"""Ingest and train a second time, in fresh processes, and compare every byte."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ValidationError

from .config import TrainConfig, load_config
from .embedder import WEIGHTS_FILE
from .ingest import RUN_FILE, ingest_world
from .provenance import Reproduction, read_run, reproduce, save_report
from .settings import Settings
from .train import produce

REPORT = "reproduction.json"
CONFIG = "tiny"
"""Small, so that repeating it takes seconds; every line of code is the large ones' too."""


class Report(BaseModel):
    """What `reproduction.json` holds: hashes of the model's first and second training."""

    same: bool
    config: str
    model_sha256: list[str]
    verdicts: list[str]


def reproduce_all(settings: Settings, config_name: str = CONFIG) -> list[Reproduction]:
    """Ingest and train `config_name` twice, each time in a process of its own, and compare.

    Nothing of what was trained before is touched. Writes `reproduction.json` into the reports.
    Raises ProvenanceError when a run fails.
    """
    config = load_config(config_name)
    with _scratch(settings.data_dir) as scratch:
        data, model = scratch / "data", scratch / "model"
        ingest_world(config, data)
        found = [reproduce(data, _command("ingest", "{out}", config), scratch / "data-again")]
        produce(data, model, config)
        again = scratch / "model-again"
        command = _command("train", str(data), "{out}", config)
        found.append(reproduce(model, command, again))
        hashes = [read_run(one / RUN_FILE).outputs[WEIGHTS_FILE].sha256 for one in (model, again)]
    report = Report(
        same=all(one.same for one in found),
        config=config.name,
        model_sha256=hashes,
        verdicts=[one.verdict for one in found],
    )
    save_report(settings.reports_dir / REPORT, report.model_dump())
    return found


def read_report(settings: Settings) -> Report | None:
    """The last report, None if there is none that can be read."""
    try:
        return Report.model_validate_json((settings.reports_dir / REPORT).read_bytes())
    except (OSError, ValidationError):
        return None


def _command(step: str, *arguments: str | TrainConfig) -> list[str]:
    texts = [one if isinstance(one, str) else one.model_dump_json() for one in arguments]
    return [sys.executable, "-m", f"{__package__}.{step}", *texts]


@contextmanager
def _scratch(data_dir: Path) -> Generator[Path]:
    data_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="reproduce-", dir=data_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
