"""Fit one model and export it: the part of training that runs in a process of its own.

An ONNX converter's names depend on what it converted before, so each model gets a fresh process;
with one thread and a fixed seed, the same table gives the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .config import Algorithm, TrainConfig
from .evaluate import cheapest_threshold, report
from .explain import EXPLAINER_FILE, LinearExplainer, TreeExplainer, save_explainer
from .features import FEATURE_NAMES
from .fingerprint import fingerprint
from .labels import last_split, test_rows, training_rows
from .linear import logistic_graph
from .monitors.reference import REFERENCE_FILE, reference_of
from .provenance import deterministic, readable_json, rounded
from .rules import Costs
from .scorer import INPUT_NAME, MODEL_FILE, SPEC_FILE, ModelSpec, Scorer
from .table import Table
from .trees import on_single_thresholds, to_explainer, to_onnx

REPORT_FILE = "report.json"
_GRAPH = "fraud"
_FOLDS = 5


class Exported(NamedTuple):
    """A fitted model as it serves: the ONNX graph, and what explains its scores."""

    onnx: bytes
    explainer: TreeExplainer | LinearExplainer
    tolerance: float
    """A score may differ by so much from the fitted model's."""


def fit(table: Table, config: TrainConfig) -> dict[str, bytes]:
    """Train, choose a threshold, test, export. Returns file names and contents.

    Raises ValueError when the table is too short, or has no fraud to learn from.
    """
    split = last_split(table, train_days=config.train_days, test_days=config.test_days)
    rows, truth = training_rows(table, split)
    if truth.sum() < _FOLDS:
        raise ValueError(f"{truth.sum()} known frauds in the training span are too few")
    estimate = _ESTIMATORS[config.algorithm]
    unseen = _out_of_fold(lambda: estimate(config.seed), rows, truth)
    costs = Costs(config.check_cost)
    threshold = cheapest_threshold(truth, unseen, rows.amount, costs)
    model = estimate(config.seed).fit(rows.features, truth.astype(np.int64))
    onnx, explainer, tolerance = _EXPORTERS[config.algorithm](model, rows)
    spec = ModelSpec(
        algorithm=config.algorithm,
        features=FEATURE_NAMES,
        fingerprint=fingerprint(),
        threshold=threshold,
    )
    tests, test_truth = test_rows(table, split)
    scores = Scorer(onnx, spec, "candidate").score(tests.features)
    drift = np.abs(model.predict_proba(tests.features)[:, 1] - scores).max()
    if drift > tolerance:
        raise ValueError(f"the exported model answers otherwise than the trained one, by {drift}")
    measured = report(tests, test_truth, scores, threshold, config) | {
        "onnx_difference": drift,
        "train_transactions": len(rows),
        "train_frauds": int(truth.sum()),
    }
    return {
        MODEL_FILE: onnx,
        EXPLAINER_FILE: save_explainer(explainer),
        SPEC_FILE: readable_json(spec.model_dump(mode="json")),
        REFERENCE_FILE: readable_json(reference_of(scores, tests.features).model_dump(mode="json")),
        REPORT_FILE: readable_json(rounded(measured)),
    }


def _out_of_fold(
    make: Callable[[], Any], rows: Table, truth: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Scores (n,) of models that did not see the card in question."""
    scores = np.zeros(len(rows))
    for fold in range(_FOLDS):
        held_out = rows.card % _FOLDS == fold
        if not truth[~held_out].any() or not held_out.any():
            continue
        model = make().fit(rows.features[~held_out], truth[~held_out].astype(np.int64))
        scores[held_out] = model.predict_proba(rows.features[held_out])[:, 1]
    return scores


TREES: dict[str, Any] = {
    "n_estimators": 120,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_child_samples": 20,
    "reg_lambda": 1.0,
    "random_state": 0,
    "n_jobs": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
"""LightGBM's settings, chosen on weeks of their own (`benchmarks/bench_handbook.py`)."""


def lightgbm(seed: int) -> Any:
    """The main model, not yet fitted."""
    from lightgbm import LGBMClassifier  # noqa: PLC0415

    settings: dict[str, Any] = TREES | {"random_state": seed}
    return LGBMClassifier(**settings)


def _logistic(_seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))


def _export_lightgbm(model: Any, _rows: Table) -> Exported:
    booster = on_single_thresholds(model)
    onnx = to_onnx(booster, name=_GRAPH, input_name=INPUT_NAME, inputs=len(FEATURE_NAMES))
    return Exported(onnx, to_explainer(booster), 2e-6)


def _export_logistic(model: Any, rows: Table) -> Exported:
    scaler, regression = (step for _, step in model.steps)
    # The last bits of a sum depend on the kernel that added it: what is kept is rounded.
    weights = np.round(regression.coef_[0] / scaler.scale_, 6)
    bias = float(
        regression.intercept_[0] - (regression.coef_[0] * scaler.mean_ / scaler.scale_).sum()
    )
    bias = round(bias, 6)
    means = np.round(rows.features.mean(axis=0, dtype=np.float64), 6)
    onnx = logistic_graph(weights, bias, name=_GRAPH, input_name=INPUT_NAME)
    return Exported(onnx, LinearExplainer(weights, means, np.array(bias)), 1e-3)


_ESTIMATORS: dict[Algorithm, Callable[[int], Any]] = {
    "lightgbm": lightgbm,
    "logistic": _logistic,
}
_EXPORTERS: dict[Algorithm, Callable[[Any, Table], Exported]] = {
    "lightgbm": _export_lightgbm,
    "logistic": _export_logistic,
}


def main(arguments: list[str]) -> int:
    """`python -m ... TABLE CONFIG_JSON FOLDER`: fit and write the files; 2 and one line if not."""
    table, config, folder = arguments
    settings = TrainConfig.model_validate_json(config)
    try:
        with deterministic(settings.seed):
            files = fit(Table.load(Path(table)), settings)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (out / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
