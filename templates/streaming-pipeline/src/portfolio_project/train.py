"""Train: replay history through the reducer, fit each model in a fresh process, register, promote.

The steps, in order: `build_table`, `fit_all`, `describe`, `register`. What a run read and wrote is
in its `run.json`; what may serve is decided by the registry's gate, not here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from .config import Algorithm, TrainConfig
from .dataset import DatasetError, read_events
from .explain import EXPLAINER_FILE
from .features import FEATURE_NAMES
from .fingerprint import fingerprint
from .fit import REPORT_FILE
from .ingest import EVENTS_FILE, RUN_FILE
from .monitors.reference import REFERENCE_FILE
from .profiles import PROFILES
from .provenance import (
    Gate,
    GateCheck,
    GateRefusedError,
    Registry,
    Reviewed,
    RunManifest,
    Threshold,
    Version,
    deterministic,
    deterministic_environment,
    read_run,
    with_review,
    write_run,
)
from .provenance.review import DEFAULT_BRANCH, Read
from .scorer import MODEL_FILE, SPEC_FILE
from .settings import Settings
from .snapshot import save_state
from .table import replay

TABLE_FILE = "table.npz"
STATE_FILE = "state.npz"
ALGORITHMS: tuple[Algorithm, ...] = ("logistic", "lightgbm")
"""From the simplest to the one that should win; the first is what a rollback can go back to."""

GATE = Gate(
    Threshold(metric="lift_over_rule", at_least=0.0),
    Threshold(metric="average_precision", max_drop=0.02),
)
"""A model serves only if it beats the rules that need no model, and does not fall behind the
serving one."""


def gate_of(settings: Settings) -> GateCheck:
    """What a model must pass to serve: `GATE`, and review where the settings name a branch."""
    return with_review(GATE, review(settings)) if settings.reviewed_branch else GATE


def review(settings: Settings, branch: str | None = None) -> Reviewed:
    """What tells whether a model is that of a branch: the one given, or that of the settings."""
    return Reviewed(branch or settings.reviewed_branch or DEFAULT_BRANCH, _is_of_a_profile)


def _is_of_a_profile(run: RunManifest, _read: Read) -> bool:
    profiles = (one.training.model_dump(exclude={"algorithm"}) for one in PROFILES.values())
    return any(named.items() <= run.config.items() for named in profiles)


class TrainingError(Exception):
    """Training could not be done; the text says why in one line."""


@dataclass(frozen=True)
class Trained:
    """A registered model: its version, its report, and why it does not serve (None if it does)."""

    version: str
    algorithm: str
    report: dict[str, float]
    refused: str | None


def train(
    dataset: Path,
    models: Path,
    registry: Registry,
    config: TrainConfig,
    gate: GateCheck = GATE,
) -> list[Trained]:
    """Train every algorithm on the data set in `dataset`, by way of the folder `models`.

    Raises TrainingError or DatasetError, and the registry's ProvenanceError.
    """
    produce(dataset, models, config)
    return [register(registry, models / name, gate) for name in ALGORITHMS]


def produce(dataset: Path, models: Path, config: TrainConfig) -> None:
    """Fit every algorithm into a folder of its own under `models`, each with its `run.json`.

    The same data, code and settings give the same bytes. Raises as `train`.
    """
    build_table(dataset, models)
    configs = [config.model_copy(update={"algorithm": name}) for name in ALGORITHMS]
    fit_all(models, configs)
    for one in configs:
        describe(dataset, models / one.algorithm, one)


def build_table(dataset: Path, models: Path) -> None:
    """Replay the data set into the training table and the state that a stream can start from."""
    models.mkdir(parents=True, exist_ok=True)
    table, state = replay(read_events(dataset / EVENTS_FILE))
    if not len(table):
        raise DatasetError(f"{dataset / EVENTS_FILE} holds no transaction. Ingest again")
    table.save(models / TABLE_FILE)
    save_state(models / STATE_FILE, state.rows())


def fit_all(models: Path, configs: Sequence[TrainConfig]) -> None:
    """Fit one model for each of `configs`, side by side, each in a process of its own."""
    children = [_start_fit(models, config) for config in configs]
    endings = [(child.communicate()[1], child.returncode) for child in children]
    for message, code in endings:
        if code:
            lines = message.strip().splitlines() or [f"the fitting process ended with {code}"]
            raise TrainingError(lines[-1])


def describe(dataset: Path, folder: Path, config: TrainConfig) -> None:
    """Write the manifest of the model in `folder`."""
    files = _files(folder)
    with deterministic(config.seed):
        manifest = RunManifest.capture(
            "train",
            inputs={EVENTS_FILE: dataset / EVENTS_FILE},
            outputs=files,
            config={
                **config.model_dump(mode="json"),
                "features": list(FEATURE_NAMES),
                "fingerprint": fingerprint(),
            },
            seed=config.seed,
            metrics=report_of(folder),
        )
    write_run(folder / RUN_FILE, manifest)


def register(registry: Registry, folder: Path, gate: GateCheck) -> Trained:
    """Put the fitted model in `folder` into the registry, and let it serve if the gate lets it."""
    return judge(registry, folder, enter(registry, folder), gate)


def enter(registry: Registry, folder: Path) -> str:
    """Put the fitted model in `folder` into the registry; returns its version."""
    return registry.register(_files(folder), read_run(folder / RUN_FILE))


def judge(registry: Registry, folder: Path, version: str, gate: GateCheck) -> Trained:
    """Let the version serve that was fitted in `folder`, if the gate lets it.

    The simplest model serves only where nothing has served yet.
    """
    algorithm = algorithm_of(registry.get(version))
    refused: str | None = None
    if algorithm == ALGORITHMS[0] and registry.current_id() is not None:
        refused = "it is there to compare with, and to fall back on"
    else:
        try:
            registry.promote(version, gate=gate)
        except GateRefusedError as error:
            refused = str(error)
    return Trained(version, algorithm, report_of(folder), refused)


def algorithm_of(version: Version) -> str:
    """The algorithm that made a registered version."""
    return str(version.manifest.config.get("algorithm", "unknown"))


def _start_fit(models: Path, config: TrainConfig) -> subprocess.Popen[str]:
    folder = models / config.algorithm
    shutil.rmtree(folder, ignore_errors=True)
    return subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
        [
            sys.executable,
            *("-W", "ignore"),
            *("-m", f"{__package__}.fit"),
            str(models / TABLE_FILE),
            config.model_dump_json(),
            str(folder),
        ],
        env={**os.environ, **deterministic_environment()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _files(folder: Path) -> dict[str, Path]:
    names = MODEL_FILE, SPEC_FILE, EXPLAINER_FILE, REFERENCE_FILE, REPORT_FILE
    return {name: folder / name for name in names}


def report_of(folder: Path) -> dict[str, float]:
    """What was measured of the model that was fitted in `folder`."""
    report: dict[str, float] = orjson.loads((folder / REPORT_FILE).read_bytes())
    return report


def main(arguments: list[str]) -> int:
    """`python -m ... DATASET MODELS CONFIG_JSON`: `produce`, for a second run elsewhere."""
    dataset, models, config = arguments
    produce(Path(dataset), Path(models), TrainConfig.model_validate_json(config))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
