"""Train: learn the towers, export them, measure them on validation data, register, promote.

The steps, in order: `produce` (fit, export, describe) and `register`. What a run read and wrote is
in its `run.json`; what may serve is decided by the registry's gate, not here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .config import TrainConfig, is_named, load_config
from .errors import UserError
from .ingest import RUN_FILE, require
from .progress import Bars, Progress, quiet
from .provenance import (
    Gate,
    GateCheck,
    GateRefusedError,
    Registry,
    Reviewed,
    Threshold,
    Version,
    read_run,
    with_review,
)
from .provenance.determinism import THREAD_VARIABLES
from .provenance.review import DEFAULT_BRANCH
from .settings import Settings

FOLLOW = "follow"
_KEEP_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
}
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


def gate_of(settings: Settings) -> GateCheck:
    """What a model must pass to serve: `GATE`, and review where the settings name a branch."""
    return with_review(GATE, review(settings)) if settings.reviewed_branch else GATE


def review(settings: Settings, branch: str | None = None) -> Reviewed:
    """What tells whether a model is that of a branch: the one given, or that of the settings."""
    return Reviewed(branch or settings.reviewed_branch or DEFAULT_BRANCH, is_named)


class TrainingError(UserError):
    """Training could not be done; the text says why in one line."""


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
            gate=gate_of(settings),
        )
    yield _line(done)


def run_register(settings: Settings, folder: Path) -> Iterator[str]:
    """Register a model that was fitted elsewhere, as by torchrun; tell what came of it.

    Raises TrainingError if it holds no whole model, and the registry's ProvenanceError.
    """
    manifest = read_run(folder / RUN_FILE)
    missing = [name for name in manifest.outputs if not (folder / name).is_file()]
    if manifest.kind != "train" or missing:
        lacks = f"{missing[0]} is missing" if missing else f"its run is one of {manifest.kind}"
        raise TrainingError(f"{folder} holds no trained model: {lacks}")
    yield _line(register(Registry(settings.registry_dir), folder, gate_of(settings)))


def _line(done: Trained) -> str:
    metrics = done.metrics
    return (
        f"{done.version}  text to image recall@1 {metrics['validation_recall_at_1']:.1%} "
        f"of {metrics['validation_size']:,.0f} validation samples (chance "
        f"{1 / metrics['validation_size']:.2%})  "
        f"{'stands by: ' + done.refused if done.refused else 'serves'}"
    )


def train(  # noqa: PLR0913 - what it works on, who is told, and who judges
    dataset: Path,
    models: Path,
    registry: Registry,
    config: TrainConfig,
    progress: Progress = quiet,
    *,
    gate: GateCheck = GATE,
) -> Trained:
    """Train `config` on the data set, by way of a folder under `models`. Raises as `run`."""
    folder = models / config.name
    produce(dataset, folder, config, progress)
    return register(registry, folder, gate)


def produce(dataset: Path, folder: Path, config: TrainConfig, progress: Progress = quiet) -> None:
    """Fit, export and describe a model in `folder`; the same data, code and settings, same bytes.

    In a process of its own: how many threads add up a sum, and so its last bits, is settled before
    torch is loaded. A run that was stopped goes on where it was.

    Raises DatasetError, TrainingError.
    """
    require(dataset, config.model.modalities)
    arguments = [str(dataset), str(folder), config.model_dump_json()]
    with (
        subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
            [sys.executable, "-m", f"{__package__}.fitting", *arguments, FOLLOW],
            env={**os.environ, **_environment(config.machine.threads)},
            stdin=subprocess.PIPE,  # its end tells the child that this process is gone
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child,
        ThreadPoolExecutor(1) as reader,
    ):
        assert child.stdout is not None
        assert child.stderr is not None
        complaints = reader.submit(child.stderr.read)
        for line in child.stdout:
            done, of, what = line.rstrip("\n").split(" ", 2)
            progress(what, int(done), int(of))
        told = complaints.result()
    if child.returncode:
        lines = told.strip().splitlines() or [f"the training process ended with {child.returncode}"]
        raise TrainingError(f"{config.name} could not be trained: {lines[-1]}")


def _environment(threads: int) -> dict[str, str]:
    """What the child reads before it loads torch; threads that wait leave the cores to others.

    Each step asks for the same memory again. glibc would give it back to the system in between
    (mallopt(3)), and fetching it anew costs a page fault every 4 KiB; other allocators ignore it.
    """
    return {
        **_KEEP_MEMORY,
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONHASHSEED": "0",
    }


def configuration_of(version: Version) -> str:
    """The name of the configuration that made a registered version."""
    return str(version.manifest.config.get("name", ""))


def register(registry: Registry, folder: Path, gate: GateCheck) -> Trained:
    """Put the model in `folder` into the registry, and let it serve if the gate lets it."""
    manifest = read_run(folder / RUN_FILE)
    files = {name: folder / name for name in manifest.outputs}
    version = registry.register(files, manifest)
    refused: str | None = None
    try:
        registry.promote(version, gate=gate)
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
