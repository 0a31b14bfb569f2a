"""The Fraud Detection Handbook's test week: its five baselines, and ours, on the stream's features.

The published data set is simulated (chapter 3 of Le Borgne et al., 2022), replayed through the
reducer in order of arrival, and scored by the Handbook's protocol: a week to train on, a week until
labels are known, a week to test on, without cards that were known to be defrauded. The baselines
see the Handbook's 15 features, ours all of them.

Which of our own features and which trees the model has was decided on four earlier weeks, whose
labels were all known when the test week began: the Handbook's prequential validation (chapter 5).
The report has that table too. The test week chose nothing; it had been scored before with the
Handbook's features alone.

    python benchmarks/bench_handbook.py
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from portfolio_project import (
    evaluate,
    events,
    features,
    fit,
    generator,
    labels,
    profiles,
    simulator,
    table,
)
from portfolio_project.provenance import deterministic, save_report

REPORT = Path("var/reports/handbook.json")
CHECKED = 100
VALIDATION_WEEKS = (5, 4, 3, 2)
"""So many weeks before the test week; labels of the last are known when the test week begins."""
GOALS = {"auc_roc": 0.871, "average_precision": 0.658, "card_precision": 0.291}
"""The best of the Handbook's five rows, metric by metric."""

BASELINES: dict[str, Callable[[], Any]] = {
    "logistic regression": lambda: LogisticRegression(random_state=0),
    "decision tree, depth 2": lambda: DecisionTreeClassifier(max_depth=2, random_state=0),
    "decision tree, unlimited": lambda: DecisionTreeClassifier(random_state=0),
    "random forest": lambda: RandomForestClassifier(random_state=0, n_jobs=2),
    # What were the defaults when the Handbook was written.
    "XGBoost": lambda: XGBClassifier(random_state=0, tree_method="exact", base_score=0.5),
}
PUBLISHED = {
    "logistic regression": (0.871, 0.606, 0.291),
    "decision tree, depth 2": (0.763, 0.496, 0.241),
    "decision tree, unlimited": (0.788, 0.309, 0.243),
    "random forest": (0.867, 0.658, 0.287),
    "XGBoost": (0.862, 0.639, 0.273),
}
THEIRS = tuple(name for name in features.FEATURE_NAMES if name not in features.OURS)


class Week(NamedTuple):
    """Rows to train and to test on, and which of them are frauds."""

    train: table.Table
    train_truth: evaluate.Truth
    test: table.Table
    test_truth: evaluate.Truth


def replayed() -> table.Table:
    """The published payments up to the day on which the test week's labels had arrived."""
    world = profiles.PROFILES["handbook"].world
    plan = generator.plan(simulator.simulate(world))
    history = plan.envelopes(0, plan.position_at(world.present - 1))
    return table.replay(history)[0]


def week(history: table.Table, weeks_before: int) -> Week:
    """The protocol, so many weeks before the published test week."""
    last = labels.last_split(history, train_days=7, test_days=7)
    split = labels.Split(*(at - weeks_before * 7 * events.DAY for at in vars(last).values()))
    return Week(*labels.training_rows(history, split), *labels.test_rows(history, split))


def measured(make: Callable[[], Any], names: Sequence[str], data: Week) -> dict[str, float]:
    """Train on the week's first part and measure on its last."""
    columns = [features.FEATURE_NAMES.index(name) for name in names]
    model = make().fit(data.train.features[:, columns], data.train_truth.astype(np.int64))
    scores = model.predict_proba(data.test.features[:, columns])[:, 1]
    precision = evaluate.card_precision(data.test, data.test_truth, scores, checked=CHECKED)
    return evaluate.ranking(data.test_truth, scores) | {"card_precision": precision}


def trees(**changes: Any) -> Callable[[], Any]:
    """The model that `train` fits, with other settings where some are given."""
    return lambda: LGBMClassifier(**{**fit.TREES, **changes})


def candidates() -> Iterator[tuple[str, Callable[[], Any], Sequence[str]]]:
    """What was chosen from: features first, then the shape of the trees."""
    yield "the Handbook's features", trees(), THEIRS
    for name in features.OURS:
        yield f"with {name}", trees(), (*THEIRS, name)
    every = features.FEATURE_NAMES
    yield "all features (chosen)", trees(), every
    yield "8 leaves", trees(num_leaves=8), every
    yield "31 leaves", trees(num_leaves=31), every
    yield "200 trees, slower", trees(n_estimators=200, learning_rate=0.03), every
    yield "60 rows a leaf", trees(min_child_samples=60), every
    yield "half of the columns a tree", trees(colsample_bytree=0.5), every


def validation(history: table.Table) -> list[dict[str, Any]]:
    """Mean of each candidate over the validation weeks."""
    weeks = [week(history, before) for before in VALIDATION_WEEKS]
    rows: list[dict[str, Any]] = []
    for title, make, names in candidates():
        found = [measured(make, names, one) for one in weeks]
        rows.append({"candidate": title} | {key: mean(found, key) for key in GOALS})
        print(rows[-1], flush=True)
    return rows


def mean(found: list[dict[str, float]], key: str) -> float:
    """Of one metric over the weeks."""
    return sum(one[key] for one in found) / len(found)


def main() -> None:
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-validation", action="store_true", help="the test week alone")
    chosen = parser.parse_args()
    with deterministic(0):
        history = replayed()
        final = week(history, 0)
        rows: list[dict[str, Any]] = []
        for title, make in BASELINES.items():
            found = measured(
                lambda make=make: make_pipeline(StandardScaler(), make()), THEIRS, final
            )
            published = dict(zip(GOALS, PUBLISHED[title], strict=True))
            rows.append(row(title, found, published))
        ours = measured(trees(), features.FEATURE_NAMES, final)
        same = measured(trees(), THEIRS, final)
        rows += [row("LightGBM, the same features", same), row("LightGBM, ours", ours)]
        report = {
            "payments": len(history),
            "train_payments": len(final.train),
            "test_payments": len(final.test),
            "test_frauds": int(final.test_truth.sum()),
            "models": rows,
            "ours": ours,
        }
        if not chosen.no_validation:
            report["validation"] = validation(history)
    save_report(REPORT, report | tables(report))
    print(f"written to {REPORT}")
    behind = [key for key, goal in GOALS.items() if ours[key] < goal]
    if behind:
        sys.exit(f"behind the best baseline in {', '.join(behind)}")


def tables(report: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """The report's two tables as documents show them; what was published stands in brackets."""
    heads = dict(zip(GOALS, ("AUC-ROC", "average precision", "card precision@100"), strict=True))
    models = [
        {"model": one["model"]}
        | {
            head: f"{one[key]:.3f}" + (f" ({said})" if (said := one[f"{key}_published"]) else "")
            for key, head in heads.items()
        }
        for one in report["models"]
    ]
    tried = [
        {"candidate": one["candidate"]} | {head: f"{one[key]:.4f}" for key, head in heads.items()}
        for one in report.get("validation", [])
    ]
    return {"table": models, "validation_table": tried}


def row(
    title: str, found: dict[str, float], published: dict[str, float] | None = None
) -> dict[str, Any]:
    """A line of the report's table: measured here, and as published."""
    line: dict[str, Any] = {"model": title}
    for key in GOALS:
        line[key] = found[key]
        line[f"{key}_published"] = f"{published[key]:.3f}" if published else ""
    print(line, flush=True)
    return line


if __name__ == "__main__":
    main()
