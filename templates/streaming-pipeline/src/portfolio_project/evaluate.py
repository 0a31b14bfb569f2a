"""How good a score is: ranking metrics, the cards that a team could check, and money."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .config import TrainConfig
from .events import DAY
from .quality import calibration
from .rules import Costs, rule_score
from .table import Table

Scores = NDArray[np.float32] | NDArray[np.float64]
Truth = NDArray[np.bool_]


def ranking(truth: Truth, scores: Scores) -> dict[str, float]:
    """Area under the ROC curve and average precision, for truth and scores of shape (n,).

    Raises ValueError if there is no fraud, or nothing else, in `truth`.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: PLC0415

    if truth.all() or not truth.any():
        raise ValueError("the test span needs both frauds and genuine payments")
    return {
        "auc_roc": float(roc_auc_score(truth, scores)),
        "average_precision": float(average_precision_score(truth, scores)),
    }


def card_precision(table: Table, truth: Truth, scores: Scores, *, checked: int) -> float:
    """Share of truly defrauded cards among the `checked` most suspicious ones, a day's mean.

    A card's suspicion is its highest score of the day. A card that was found is blocked and leaves
    the later days. Le Borgne et al., Fraud Detection Handbook (2022), ch. 4.
    """
    found: set[int] = set()
    shares: list[float] = []
    days = table.at // DAY
    for day in np.unique(days):
        today = days == day
        suspicion: dict[int, float] = {}
        defrauded: set[int] = set()
        columns = table.card[today].tolist(), scores[today].tolist(), truth[today].tolist()
        for card, score, fraud in zip(*columns, strict=True):
            if card in found:
                continue
            suspicion[card] = max(score, suspicion.get(card, 0.0))
            if fraud:
                defrauded.add(card)
        worst = sorted(suspicion, key=lambda card: (-suspicion[card], card))[:checked]
        hits = defrauded.intersection(worst)
        shares.append(len(hits) / checked)
        found |= hits
    return float(np.mean(shares))


def cheapest_threshold(
    truth: Truth, scores: Scores, amounts: NDArray[np.float32], costs: Costs
) -> float:
    """The threshold at which alerts on `score >= threshold` cost least; all shapes (n,).

    It lies halfway between two scores, rounded to 6 decimals, so that the last bit of a score
    decides nothing.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float64)
    saved = np.cumsum(np.where(truth[order], amounts[order], 0.0), dtype=np.float64)
    cost = costs.check * np.arange(1, len(ranked) + 1) - saved
    ends_run = np.append(ranked[1:] != ranked[:-1], True)
    best = int(np.argmin(np.where(ends_run, cost, np.inf)))
    if cost[best] >= 0:
        return 1.0
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return round(float(ranked[best] + below) / 2, 6)


def report(
    rows: Table, truth: Truth, scores: Scores, threshold: float, config: TrainConfig
) -> dict[str, float]:
    """What `scores` (n,) are worth on the test `rows`, of which `truth` (n,) tells the frauds.

    Raises ValueError as `ranking`.
    """
    alerts = scores >= threshold
    costs = Costs(config.check_cost)
    nothing = costs.total(truth, np.zeros_like(truth), rows.amount)
    hits = int((alerts & truth).sum())
    metrics = ranking(truth, scores)
    honesty = calibration(truth, scores)
    rule = ranking(truth, rule_score(rows.features))["average_precision"]
    return metrics | {
        "card_precision": card_precision(rows, truth, scores, checked=config.cards_checked),
        "rule_average_precision": rule,
        "lift_over_rule": metrics["average_precision"] - rule,
        "threshold": threshold,
        "precision": hits / max(1, int(alerts.sum())),
        "recall": hits / int(truth.sum()),
        "alerts_per_day": float(alerts.sum()) / config.test_days,
        "cost_share": costs.total(truth, alerts, rows.amount) / nothing,
        "calibration_error": honesty["calibration_error"],
        "brier_skill": honesty["brier_skill"],
        "test_transactions": len(rows),
        "test_frauds": int(truth.sum()),
    }
