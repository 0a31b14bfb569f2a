"""Train: learn the towers, export them, measure them on validation data, register, promote.

The steps, in order: `produce` (fit, export, describe) and `register`. What a run read and wrote is
in its `run.json`; what may serve is decided by the registry's gate, not here.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .config import TrainConfig, load_config
from .embedder import Embedder
from .evaluation.quick import quick_metrics
from .ingest import RUN_FILE, require
from .data.dataset import split_files
from .progress import Bars, Progress, quiet
from .provenance import (
    Gate,
    GateRefusedError,
    Registry,
    RunManifest,
    Threshold,
    Version,
    deterministic,
    read_run,
    readable_json,
    rounded,
    write_run,
)
from .settings import Settings
from .vocabulary import Vocabulary

HISTORY_FILE = "history.json"
CHECKPOINTS = "checkpoints"
_BETTER_THAN_CHANCE = Threshold(metric="lift_over_chance", at_least=0.0)
_NO_STEP_BACK = Threshold(metric="validation_recall_at_1", max_drop=0.02)


def gate(candidate: Version, champion: Version | None) -> Sequence[str]:
    """Why a model may not serve: no better than chance, or worse than the one that serves.

    Two models are compared only if they were trained on the same data.
    """
    same = champion is not None and candidate.manifest.inputs == champion.manifest.inputs
    thresholds = (_BETTER_THAN_CHANCE, _NO_STEP_BACK) if same else (_BETTER_THAN_CHANCE,)
    return Gate(*thresholds)(candidate, champion)


GATE = gate


@dataclass(frozen=True)
class Trained:
    """A registered model: its version, its metrics, and why it does not serve (None if it does)."""

    version: str
    metrics: dict[str, float]
    refused: str | None


def run(settings: Settings, config_name: str = "default") -> Iterator[str]:
    """Train a named configuration on what was ingested; tell what came of it, line by line.

    A run that was stopped goes on where it was. Raises ConfigError, DatasetError, and the
    registry's ProvenanceError.
    """
    config = load_config(config_name)
    yield f"training {config_name}: {config.summary or 'no summary'}"
    with Bars() as progress:
        done = train(
            settings.dataset_dir,
            settings.models_dir,
            Registry(settings.registry_dir),
            config,
            progress,
        )
    metrics = done.metrics
    yield (
        f"{done.version}  text to image recall@1 {metrics['validation_recall_at_1']:.1%} "
        f"of {metrics['validation_size']:,.0f} validation samples (chance "
        f"{1 / metrics['validation_size']:.2%})  "
        f"{'stands by: ' + done.refused if done.refused else 'serves'}"
    )


def train(
    dataset: Path,
    models: Path,
    registry: Registry,
    config: TrainConfig,
    progress: Progress = quiet,
) -> Trained:
    """Train `config` on the data set, by way of a folder under `models`. Raises as `run`."""
    folder = models / config.name
    produce(dataset, folder, config, progress)
    return register(registry, folder)


def produce(
    dataset: Path, folder: Path, config: TrainConfig, progress: Progress = quiet
) -> None:
    """Fit, export and describe a model in `folder`; the same data, code and settings, same bytes.

    Raises DatasetError.
    """
    # Read when torch is loaded: threads that wait must not burn the cores that others need.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from .export import export  # noqa: PLC0415 - torch is needed from here on only
    from .training.trainer import fit  # noqa: PLC0415

    began = time.monotonic()
    data = require(dataset, config.model.modalities)
    vocabulary = Vocabulary.of([*data.captions, *(text for row in data.negatives for text in row)])
    checkpoints = folder.parent / CHECKPOINTS / config.name
    fitted = fit(
        data,
        config,
        vocabulary,
        checkpoints=checkpoints,
        told=lambda done, of, loss: progress(f"loss {loss:.3f}", done, of),
    )
    shutil.rmtree(folder, ignore_errors=True)
    names = export(fitted, config, vocabulary, data, folder)
    (folder / HISTORY_FILE).write_bytes(readable_json(rounded({"loss": fitted.losses})))
    held_back = require(dataset, config.model.modalities, "validation")
    with deterministic(config.seed):
        metrics = quick_metrics(Embedder.load(folder), held_back)
        metrics["final_loss"] = sum(fitted.losses[-20:]) / len(fitted.losses[-20:])
        manifest = RunManifest.capture(
            "train",
            inputs=split_files(dataset),
            outputs={name: folder / name for name in [*names, HISTORY_FILE]},
            config=config.model_dump(mode="json"),
            seed=config.seed,
            metrics=metrics,
        )
    write_run(folder / RUN_FILE, manifest, duration_s=round(time.monotonic() - began, 1))


def register(registry: Registry, folder: Path) -> Trained:
    """Put the model in `folder` into the registry, and let it serve if the gate lets it."""
    manifest = read_run(folder / RUN_FILE)
    files = {name: folder / name for name in manifest.outputs}
    version = registry.register(files, manifest)
    refused: str | None = None
    try:
        registry.promote(version, gate=GATE)
    except GateRefusedError as error:
        refused = str(error)
    return Trained(version, dict(manifest.metrics), refused)


def main(arguments: list[str]) -> int:
    """`python -m ... DATASET FOLDER CONFIG_JSON`: `produce`, for a second run elsewhere."""
    dataset, folder, config = arguments
    produce(Path(dataset), Path(folder), TrainConfig.model_validate_json(config))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
