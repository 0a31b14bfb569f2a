"""What each feature is worth, and how a model ages: train otherwise, see what test days lose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compare import config_of
from .config import TrainConfig
from .events import DAY
from .features import FEATURE_NAMES
from .fit import lightgbm
from .labels import last_split, test_rows, training_rows
from .provenance import Registry, deterministic, save_report
from .quality import average_precision, card_weights, interval
from .settings import Settings
from .table import Table
from .train import TABLE_FILE, TrainingError

REPORT = "ablation.json"
_OLDEST_WEEKS = 4


def ablate(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Study the last training; writes `ablation.json` into the reports, and returns what is in it.

    Raises TrainingError when nothing serves yet, and the registry's ProvenanceError.
    """
    current = Registry(settings.registry_dir).current()
    table_file = settings.models_dir / TABLE_FILE
    if current is None or not table_file.exists():
        raise TrainingError("no model serves yet. Run the command `train`")
    config = config_of(current)
    table = Table.load(table_file)
    with deterministic(config.seed):
        found = {"features": worth(table, config), "ages": ages(table, config)}
    save_report(settings.reports_dir / REPORT, found)
    return found


def worth(table: Table, config: TrainConfig) -> list[dict[str, Any]]:
    """What average precision loses without each feature, most first, with 95% intervals.

    Both models see the same bootstrap samples, so the interval is that of the difference. An
    interval around 0 says that this test cannot tell the feature from none.
    """
    split = last_split(table, train_days=config.train_days, test_days=config.test_days)
    rows, truth = training_rows(table, split)
    tests, test_truth = test_rows(table, split)
    weights = np.concatenate([np.ones((1, len(tests))), card_weights(tests.card, config.seed)])

    def measured(feature: int | None) -> NDArray[np.float64]:
        model = lightgbm(config.seed)
        model.fit(_without(rows.features, feature), truth.astype(np.int64))
        scores = model.predict_proba(_without(tests.features, feature))[:, 1]
        return average_precision(test_truth, scores, weights)

    whole = measured(None)
    found: list[dict[str, Any]] = []
    for number, name in enumerate(FEATURE_NAMES):
        loss = whole - measured(number)
        low, high = interval(loss[1:])
        found.append({"without": name, "loss": float(loss[0]), "low": low, "high": high})
    return sorted(found, key=lambda line: -line["loss"])


def ages(table: Table, config: TrainConfig) -> list[dict[str, Any]]:
    """Average precision on the same test days of models trained 0, 1, 2, ... weeks earlier.

    Each as it would have been trained then, with the labels that were known then; with 95%
    intervals. As far back as there is history.
    """
    split = last_split(table, train_days=config.train_days, test_days=config.test_days)
    tests, test_truth = test_rows(table, split)
    weights = np.concatenate([np.ones((1, len(tests))), card_weights(tests.card, config.seed)])
    found: list[dict[str, Any]] = []
    for weeks in range(_OLDEST_WEEKS + 1):
        earlier = weeks * 7 * DAY
        then = replace(
            split,
            train_from=split.train_from - earlier,
            train_to=split.train_to - earlier,
            cutoff=split.cutoff - earlier,
        )
        rows, truth = training_rows(table, then)
        if then.train_from < int(table.at.min()) - DAY or not truth.any():
            break
        model = lightgbm(config.seed).fit(rows.features, truth.astype(np.int64))
        scores = model.predict_proba(tests.features)[:, 1]
        points = average_precision(test_truth, scores, weights)
        low, high = interval(points[1:])
        line = {"average_precision": float(points[0]), "low": low, "high": high}
        found.append({"weeks_old": weeks} | line)
    return found


def _without(features: NDArray[np.float32], feature: int | None) -> NDArray[np.float32]:
    """`features`, (n, k), the column `feature` made constant: no tree can split on it."""
    if feature is None:
        return features
    blind = features.copy()
    blind[:, feature] = 0
    return blind
