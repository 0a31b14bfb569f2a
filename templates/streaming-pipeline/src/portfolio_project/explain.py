"""Why a score is what it is: each feature's contribution to the log-odds, exact, in NumPy.

For trees these are Shapley values under the game in which a split on an unknown feature is passed
by share of training rows (Lundberg et al., From local explanations to global understanding with
explainable AI for trees, 2020). A leaf pays its value times one factor for each feature on its
path, so the game is multilinear, and its Shapley value is an integral of a polynomial over how
likely the others are to be known (Owen, Multilinear extensions of games, 1972), which
Gauss-Legendre quadrature gives exactly. For a linear model they are weight times distance from
the training mean.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .archive import pack
from .provenance import Version

EXPLAINER_FILE = "explainer.npz"


class Explanation(NamedTuple):
    """Log-odds of one score: `base` is the model's mean, and `contributions`, (k,), add to it."""

    base: float
    contributions: NDArray[np.float64]

    @property
    def log_odds(self) -> float:
        """The raw score, whose logistic function is the probability."""
        return self.base + float(self.contributions.sum())


class Explainer(Protocol):
    """What takes a score apart."""

    def explain(self, features: NDArray[np.float32]) -> Explanation:
        """Take the score of `features`, (k,), apart."""
        ...


class NoExplanationError(Exception):
    """The model came without what explains it; the text says so."""


@dataclass(frozen=True)
class TreeExplainer:
    """All m leaves of all trees, and the at most d features on the way to each.

    A leaf is reached if `low < x[feature] <= high` for each of its features; `share` is the part
    of training rows that the splits on this feature let through. Unused places have a share of 1
    and no bounds. `value`: (m,) log-odds; the others: (m, d).
    """

    inputs: NDArray[np.int64]
    """() the number of features, k."""
    value: NDArray[np.float64]
    feature: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    share: NDArray[np.float64]

    def explain(self, features: NDArray[np.float32]) -> Explanation:
        """Take the score of `features`, (k,), apart."""
        x = features.astype(np.float64)[self.feature]
        passed = ((self.low < x) & (x <= self.high)).astype(np.float64)
        depth = self.feature.shape[1]
        points, weights = np.polynomial.legendre.leggauss((depth + 1) // 2)
        others = np.zeros_like(self.share)
        for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
            factors = self.share * (1 - point) + passed * point  # above 0: each share is
            others += weight * factors.prod(axis=1, keepdims=True) / factors
        gains = self.value[:, None] * (passed - self.share) * others
        total = np.bincount(self.feature.ravel(), gains.ravel(), minlength=int(self.inputs))
        return Explanation(float((self.value * self.share.prod(axis=1)).sum()), total)


@dataclass(frozen=True)
class LinearExplainer:
    """Log-odds `bias + x @ weights`, beside the training mean of each input; arrays (k,)."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    bias: NDArray[np.float64]
    """()"""

    def explain(self, features: NDArray[np.float32]) -> Explanation:
        """Take the score of `features`, (k,), apart."""
        base = float(self.bias + self.means @ self.weights)
        return Explanation(base, self.weights * (features.astype(np.float64) - self.means))


def save_explainer(explainer: TreeExplainer | LinearExplainer) -> bytes:
    """Serialize; equal explainers give equal bytes."""
    return pack(asdict(explainer))


def load_explainer(version: Version) -> Explainer:
    """What explains a registered model. Raises NoExplanationError, TamperedVersionError."""
    if EXPLAINER_FILE not in version.files:
        raise NoExplanationError(f"model {version.id} was registered without {EXPLAINER_FILE}")
    with np.load(io.BytesIO(version.read(EXPLAINER_FILE)), allow_pickle=False) as archive:
        columns = {name: archive[name] for name in archive.files}
    return TreeExplainer(**columns) if "share" in columns else LinearExplainer(**columns)
