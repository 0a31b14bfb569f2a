"""What each feature is worth: train without it, and see what the test days lose."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compare import config_of
from .config import TrainConfig
from .features import FEATURE_NAMES
from .fit import lightgbm
from .labels import last_split, test_rows, training_rows
from .provenance import Registry, deterministic, save_report
from .quality import average_precision, card_weights, interval
from .settings import Settings
from .table import Table
from .train import TABLE_FILE, TrainingError

REPORT = "ablation.json"


def ablate(settings: Settings) -> list[dict[str, Any]]:
    """Ablate the features of the last training; writes `ablation.json` into the reports.

    Raises TrainingError when nothing serves yet, and the registry's ProvenanceError.
    """
    current = Registry(settings.registry_dir).current()
    table_file = settings.models_dir / TABLE_FILE
    if current is None or not table_file.exists():
        raise TrainingError("no model serves yet. Run the command `train`")
    config = config_of(current)
    with deterministic(config.seed):
        found = worth(Table.load(table_file), config)
    save_report(settings.reports_dir / REPORT, {"features": found})
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


def _without(features: NDArray[np.float32], feature: int | None) -> NDArray[np.float32]:
    """`features`, (n, k), the column `feature` made constant: no tree can split on it."""
    if feature is None:
        return features
    blind = features.copy()
    blind[:, feature] = 0
    return blind
