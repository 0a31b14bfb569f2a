"""What a fraud team says: rules that need no model, what mistakes cost, where quality must hold.

With the contract in `events.py` and the reducer in `features.py`, this is all that the pipeline
knows of its domain; docs/adapting.md puts another one in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .features import FEATURE_NAMES

Mask = NDArray[np.bool_]
Matrix = NDArray[np.float32]


def column(features: Matrix, name: str) -> NDArray[np.float32]:
    """The feature `name`, (n,), of all features, (n, k). Raises ValueError if there is none."""
    return features[:, FEATURE_NAMES.index(name)]


def amounts(features: Matrix) -> NDArray[np.float32]:
    """What is at stake in each event, (n,), in the currency unit."""
    return column(features, "amount")


def rule_score(features: Matrix) -> NDArray[np.float64]:
    """What a fraud team would do without a model, shape (n,) for features (n, k).

    Share of three rules that fire: a high amount, an amount far above the card's habit, a terminal
    with reported frauds. Every model must beat it.
    """
    amount = column(features, "amount")
    fired = np.stack(
        [
            amount > 220,
            amount > 4 * column(features, "card_mean_amount_30d"),
            column(features, "terminal_risk_7d") > 0.5,
        ]
    )
    share: NDArray[np.float64] = fired.sum(axis=0) / len(fired)
    return share


RULE_THRESHOLD = 0.3
"""One rule is enough for an alert."""


@dataclass(frozen=True)
class Costs:
    """What a decision costs, in the currency unit: a missed fraud costs its amount."""

    check: float = 5.0
    """One alert: somebody looks at it, or a customer is asked."""

    def total(self, truth: Mask, alerts: Mask, at_stake: NDArray[np.float32]) -> float:
        """Cost of the `alerts` (n,) raised on events with so much `at_stake` (n,)."""
        missed = at_stake[truth & ~alerts].sum(dtype=np.float64)
        return float(missed + self.check * alerts.sum())


SLICES: Mapping[str, Callable[[Matrix], Mask]] = {
    "weekend": lambda rows: column(rows, "is_weekend") > 0,
    "night": lambda rows: column(rows, "is_night") > 0,
    "low amount": lambda rows: column(rows, "amount") < 20,
    "high amount": lambda rows: column(rows, "amount") > 100,
    "card seldom used": lambda rows: column(rows, "card_count_30d") <= 20,
    "card often used": lambda rows: column(rows, "card_count_30d") > 80,
    "terminal without a reported fraud": lambda rows: column(rows, "terminal_risk_30d") == 0,
    "terminal with a reported fraud": lambda rows: column(rows, "terminal_risk_30d") > 0,
}
"""Parts of the stream whose quality is reported on its own; each tells rows (n, k) apart."""
