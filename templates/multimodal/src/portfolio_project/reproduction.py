"""Ingest and train a second time, in fresh processes, and compare every byte."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .config import TrainConfig, load_config
from .embedder import WEIGHTS_FILE
from .ingest import RUN_FILE, ingest_world
from .provenance import Reproduction, read_run, reproduce
from .provenance.reproduction_report import write_reproduction
from .settings import Settings
from .train import produce

CONFIG = "tiny"
"""Small, so that repeating it takes seconds; every line of code is the large ones' too."""


def reproduce_all(settings: Settings, config_name: str = CONFIG) -> list[Reproduction]:
    """Ingest and train `config_name` twice, each time in a process of its own, and compare.

    Nothing of what was trained before is touched. Writes `reproduction.json` into the reports.
    Raises ProvenanceError when a run fails.
    """
    config = load_config(config_name)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(
        prefix="reproduce-", dir=settings.data_dir, ignore_cleanup_errors=True
    ) as name:
        scratch = Path(name)
        data, model = scratch / "data", scratch / "model"
        ingest_world(config, data)
        found = [reproduce(data, _command("ingest", "{out}", config), scratch / "data-again")]
        produce(data, model, config)
        again = scratch / "model-again"
        command = _command("train", str(data), "{out}", config)
        found.append(reproduce(model, command, again))
        hashes = [read_run(one / RUN_FILE).outputs[WEIGHTS_FILE].sha256 for one in (model, again)]
    write_reproduction(settings.reports_dir, found, hashes)
    return found


def _command(step: str, *arguments: str | TrainConfig) -> list[str]:
    texts = [one if isinstance(one, str) else one.model_dump_json() for one in arguments]
    return [sys.executable, "-m", f"{__package__}.{step}", *texts]
