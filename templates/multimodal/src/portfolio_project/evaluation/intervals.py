"""How sure a figure is: bootstrap intervals (Efron, 1979)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

_RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, and the interval that holds it with 95% confidence."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Plain data, for reports."""
        return asdict(self)


def estimate(outcomes: ArrayLike, seed: int = 0) -> Estimate:
    """The mean of the outcomes (n,) of n queries, which are drawn again with replacement."""
    values = np.asarray(outcomes, np.float64)
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high))
