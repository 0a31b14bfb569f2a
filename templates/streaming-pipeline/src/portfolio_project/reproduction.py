"""Do it all again: ingest and train in fresh processes and folders, and compare the bytes."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import orjson
from pydantic import BaseModel, ValidationError

from .config import TrainConfig
from .ingest import RUN_FILE
from .provenance import Reproduction, compare_runs, read_run, reproduce, save_report
from .scorer import MODEL_FILE
from .settings import Settings
from .train import ALGORITHMS

REPORT = "reproduction.json"


class Report(BaseModel):
    """What `reproduction.json` holds: hashes of the model's first and second training."""

    same: bool
    model_sha256: list[str]
    verdicts: list[str]


def reproduce_all(settings: Settings) -> list[Reproduction]:
    """Repeat what `ingest` and `train` did last; writes `reproduction.json` into the reports.

    Data that came from a file of one's own is not read again, its hash is compared. Raises
    ProvenanceError when there is nothing to repeat or a run fails.
    """
    dataset, models = settings.dataset_dir, settings.models_dir
    found: list[Reproduction] = []
    with _scratch(settings.data_dir) as scratch:
        world = read_run(dataset / RUN_FILE).config.get("world")
        if world is not None:
            again = scratch / "data"
            found.append(reproduce(dataset, _ingest_command(orjson.dumps(world).decode()), again))
        champion = models / ALGORITHMS[-1]
        config = TrainConfig.model_validate(
            {
                name: value
                for name, value in read_run(champion / RUN_FILE).config.items()
                if name in TrainConfig.model_fields
            }
        )
        second = scratch / "models"
        command = _train_command(dataset, second, config)
        found.append(reproduce(champion, command, second / champion.name))
        found += [compare_runs(models / name, second / name) for name in ALGORITHMS[:-1]]
        hashes = [
            read_run(folder / RUN_FILE).outputs[MODEL_FILE].sha256
            for folder in (champion, second / ALGORITHMS[-1])
        ]
    _write(settings, found, hashes)
    return found


def read_report(settings: Settings) -> Report | None:
    """The last report, None if there is none that can be read."""
    try:
        return Report.model_validate_json((settings.reports_dir / REPORT).read_bytes())
    except (OSError, ValidationError):
        return None


def is_current(settings: Settings) -> bool:
    """Whether the last report is about the model that was trained last."""
    report = read_report(settings)
    manifest = settings.models_dir / ALGORITHMS[-1] / RUN_FILE
    return report is not None and (
        report.model_sha256[0] == read_run(manifest).outputs[MODEL_FILE].sha256
    )


def _ingest_command(world: str) -> list[str]:
    return [sys.executable, "-m", f"{__package__}.ingest", world, "{out}"]


def _train_command(dataset: Path, second: Path, config: TrainConfig) -> list[str]:
    module = f"{__package__}.train"
    return [sys.executable, "-m", module, str(dataset), str(second), config.model_dump_json()]


def _write(settings: Settings, found: list[Reproduction], hashes: list[str]) -> None:
    report = Report(
        same=all(one.same for one in found),
        model_sha256=hashes,
        verdicts=[one.verdict for one in found],
    )
    save_report(settings.reports_dir / REPORT, report.model_dump())


@contextmanager
def _scratch(data_dir: Path) -> Generator[Path]:
    data_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="reproduce-", dir=data_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
