"""Trains the model on what was ingested, measures it on phrases it has not seen, registers it.

The held-out measure here comes from the training phrases alone (cross-validated by phrase), so
that nothing is chosen by looking at the evaluation.
"""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from ..policy_model.files import ARRAYS, NAMES, save
from ..provenance import (
    Gate,
    GateCheck,
    GateRefusedError,
    Registry,
    Reviewed,
    RunManifest,
    Threshold,
    deterministic,
    read_run,
    save_report,
    with_review,
    write_run,
)
from ..provenance.review import DEFAULT_BRANCH, Read
from ..settings import Settings
from .ingest import READINGS, RUN, TRACES, read_rows

REPORT = "report.json"
GATE = Gate(
    Threshold(metric="right_unseen_phrases", at_least=0.75, max_drop=0.02),
    Threshold(metric="coverage", at_least=0.35),
)
"""What a model must show, on training phrases that it was not fitted on, before it may serve."""


def gate_of(settings: Settings) -> GateCheck:
    """What a model must pass to serve: `GATE`, and review where the settings name a branch."""
    return with_review(GATE, review(settings)) if settings.reviewed_branch else GATE


def review(settings: Settings, branch: str | None = None) -> Reviewed:
    """What tells whether a model is that of a branch: the one given, or that of the settings."""
    return Reviewed(branch or settings.reviewed_branch or DEFAULT_BRANCH, _is_of_the_code)


def _is_of_the_code(run: RunManifest, _read: Read) -> bool:
    return run.config == asdict(TrainConfig())


class TrainingError(Exception):
    """Training could not be done; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of a training run.

    `wrong` is the share of all tickets that may be acted on with a wrong reading that writes.
    """

    seed: int = 0
    wrong: float = 0.015


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered model: its version, its report, and why it does not serve (None if it does)."""

    version: str
    report: dict[str, float]
    refused: str | None


def train(
    corpus: Path,
    folder: Path,
    registry: Registry,
    config: TrainConfig,
    gate: GateCheck = GATE,
) -> Trained:
    """Train on the corpus by way of `folder`, register, and promote what passes the gate.

    Raises:
        TrainingError: the corpus is missing or too small.
        ProvenanceError: the registry could not be written.
    """
    report = produce(corpus, folder, config)
    files = _files(folder)
    manifest = read_run(folder / RUN)
    version = registry.register(files, manifest)
    try:
        registry.promote(version, gate=gate)
    except GateRefusedError as error:
        return Trained(version, report, str(error))
    return Trained(version, report, None)


def produce(corpus: Path, folder: Path, config: TrainConfig) -> dict[str, float]:
    """Fit the model into `folder` and return its report; the same corpus gives the same bytes."""
    try:
        rows, shown = read_rows(corpus / READINGS), read_rows(corpus / TRACES)
    except OSError:
        raise TrainingError(f"{corpus} holds no corpus. Run the command `ingest`") from None
    with deterministic(config.seed):
        # scikit-learn is not needed to serve, so it is loaded here only.
        from ..policy_model.clone import count_sources, fit_tree  # noqa: PLC0415
        from ..policy_model.fit import fit_reader  # noqa: PLC0415
        from ..policy_model.model import PolicyModel  # noqa: PLC0415

        try:
            fitted = fit_reader(rows, config.wrong)
        except ValueError as error:
            raise TrainingError(f"the corpus is too small to learn from: {error}") from None
        model = PolicyModel(fitted.reader, fit_tree(shown), count_sources(shown), fitted.threshold)
        folder.mkdir(parents=True, exist_ok=True)
        save(model, folder)
        save_report(folder / REPORT, fitted.report)
        report: dict[str, float] = orjson.loads((folder / REPORT).read_bytes())
        manifest = RunManifest.capture(
            "train",
            inputs={name: corpus / name for name in (READINGS, TRACES)},
            outputs=_files(folder),
            config=asdict(config),
            seed=config.seed,
            metrics=report,
        )
    write_run(folder / RUN, manifest)
    return report


def _files(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in (ARRAYS, NAMES, REPORT)}


def main(arguments: list[str]) -> int:
    """`python -m ... CORPUS FOLDER CONFIG_JSON`: `produce`, for a second run elsewhere."""
    corpus, folder, config = arguments
    given: dict[str, Any] = orjson.loads(config)
    produce(Path(corpus), Path(folder), TrainConfig(**given))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
