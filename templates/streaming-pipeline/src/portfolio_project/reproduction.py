"""Do it all again: ingest and train in fresh processes and folders, and compare the bytes."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from .config import TrainConfig
from .ingest import EVENTS_FILE, RUN_FILE, ingest_world
from .profiles import PROFILES
from .provenance import Registry, Reproduction, compare_runs, read_run, reproduce
from .provenance.reproduction_report import read_reproduction, write_reproduction
from .scorer import MODEL_FILE
from .settings import Settings
from .train import ALGORITHMS, gate_of, train


def begin(settings: Settings) -> None:
    """Ingest and train where that was never done, so that there is something to repeat."""
    small = PROFILES["small"]
    if not (settings.dataset_dir / EVENTS_FILE).exists():
        ingest_world(small.world, settings.dataset_dir)
    if not settings.models_dir.exists():
        folders = settings.dataset_dir, settings.models_dir
        registry = Registry(settings.registry_dir)
        train(*folders, registry, small.training, gate_of(settings))


def reproduce_all(settings: Settings) -> list[Reproduction]:
    """Repeat what `ingest` and `train` did last; writes `reproduction.json` into the reports.

    Data that came from a file of one's own is not read again, its hash is compared. Raises
    ProvenanceError when there is nothing to repeat or a run fails.
    """
    dataset, models = settings.dataset_dir, settings.models_dir
    found: list[Reproduction] = []
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(
        prefix="reproduce-", dir=settings.data_dir, ignore_cleanup_errors=True
    ) as name:
        scratch = Path(name)
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
    write_reproduction(settings.reports_dir, found, hashes)
    return found


def is_current(settings: Settings) -> bool:
    """Whether the last report is about the model that was trained last."""
    report = read_reproduction(settings.reports_dir)
    manifest = settings.models_dir / ALGORITHMS[-1] / RUN_FILE
    return report is not None and (
        report.model_sha256[0] == read_run(manifest).outputs[MODEL_FILE].sha256
    )


def _ingest_command(world: str) -> list[str]:
    return [sys.executable, "-m", f"{__package__}.ingest", world, "{out}"]


def _train_command(dataset: Path, second: Path, config: TrainConfig) -> list[str]:
    module = f"{__package__}.train"
    return [sys.executable, "-m", module, str(dataset), str(second), config.model_dump_json()]
