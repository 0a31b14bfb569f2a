"""Measure every registered model on the same held-out days, beside the rules that need none."""

from __future__ import annotations

from dataclasses import dataclass

from .config import TrainConfig
from .evaluate import Scores, Truth, report
from .labels import last_split, test_rows
from .provenance import Registry, Version, save_report
from .quality import calibration, slices
from .rules import RULE_THRESHOLD, rule_score
from .scorer import ModelMismatchError, load
from .settings import Settings
from .table import Table
from .train import TABLE_FILE, TrainingError, algorithm_of

REPORT = "evaluate.json"
_COLUMNS = ("auc_roc", "average_precision", "card_precision", "recall", "precision", "cost_share")


@dataclass(frozen=True)
class Measured:
    """A way to score and what it is worth; `version` is empty for the rules."""

    name: str
    version: str
    serving: bool
    metrics: dict[str, float]
    scores: Scores


def compare(settings: Settings) -> list[Measured]:
    """Score the test days of the last training with everything that is registered.

    Writes `evaluate.json` into the reports: the serving model's metrics, and a table of all. Raises
    TrainingError when nothing was trained or nothing serves, and the registry's ProvenanceError.
    """
    registry = Registry(settings.registry_dir)
    current = registry.current()
    table_file = settings.models_dir / TABLE_FILE
    if current is None or not table_file.exists():
        raise TrainingError("no model serves yet. Run the command `train`")
    config = config_of(current)
    table = Table.load(table_file)
    split = last_split(table, train_days=config.train_days, test_days=config.test_days)
    rows, truth = test_rows(table, split)
    found = [_rules(rows, truth, config)]
    for version in registry.versions():
        try:
            scorer = load(version)
        except ModelMismatchError:
            continue  # of features that this program does not compute any more
        scores = scorer.score(rows.features)
        metrics = report(rows, truth, scores, scorer.threshold, config)
        serving = version.id == current.id
        found.append(Measured(algorithm_of(version), version.id, serving, metrics, scores))
    champion = next((one for one in found if one.serving), None)
    if champion is None:
        raise TrainingError("the serving model is for other features. Run the command `train`")
    save_report(
        settings.reports_dir / REPORT,
        {
            "algorithm": champion.name,
            "metrics": champion.metrics,
            "models": [{"model": one.name, **columns(one)} for one in found],
            "calibration": calibration(truth, champion.scores),
            "slices": slices(
                rows, truth, champion.scores, champion.metrics["threshold"], seed=config.seed
            ),
        },
    )
    return found


def columns(measured: Measured) -> dict[str, float]:
    """The metrics that people compare first, in order."""
    return {name: measured.metrics[name] for name in _COLUMNS}


def _rules(rows: Table, truth: Truth, config: TrainConfig) -> Measured:
    scores: Scores = rule_score(rows.features)
    metrics = report(rows, truth, scores, RULE_THRESHOLD, config)
    return Measured("rules", "", serving=False, metrics=metrics, scores=scores)


def config_of(version: Version) -> TrainConfig:
    """The settings that a registered model was trained with."""
    known = {
        name: value
        for name, value in version.manifest.config.items()
        if name in TrainConfig.model_fields
    }
    return TrainConfig.model_validate(known)
