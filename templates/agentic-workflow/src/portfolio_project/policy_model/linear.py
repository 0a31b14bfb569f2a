"""A linear classifier over named features, read with numpy alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(slots=True)
class Linear:
    """Multinomial logistic regression over features with weights of their own.

    Attributes:
        classes: the answers, in the order of the columns.
        vocabulary: feature -> row.
        scale: (features,) what a feature counts before normalising: its inverse frequency.
        weights: (features, classes).
        bias: (classes,).
    """

    classes: tuple[str, ...]
    vocabulary: dict[str, int]
    scale: Floats
    weights: Floats
    bias: Floats

    def vector(self, features: Iterable[str]) -> tuple[NDArray[np.int64], Floats]:
        """Return rows and normalised values of the features that are known."""
        return vector(features, self.vocabulary, self.scale)

    def probabilities(self, features: Iterable[str]) -> NDArray[np.float64]:
        """Return the probability of each class."""
        rows, values = self.vector(features)
        scores = self.bias.astype(np.float64)
        if len(rows):
            scores = scores + values.astype(np.float64) @ self.weights[rows].astype(np.float64)
        scores = np.exp(scores - scores.max())
        result: NDArray[np.float64] = scores / scores.sum()
        return result

    def known(self, features: Sequence[str]) -> float:
        """Return the share of features that were seen in training, 0 to 1."""
        return sum(f in self.vocabulary for f in features) / max(len(features), 1)

    def to_arrays(self) -> dict[str, Floats]:
        """Return the numbers."""
        return {"scale": self.scale, "weights": self.weights, "bias": self.bias}

    def to_json(self) -> dict[str, Any]:
        """Return the names."""
        return {"classes": list(self.classes), "features": list(self.vocabulary)}

    @classmethod
    def read(cls, names: dict[str, Any], arrays: dict[str, Floats]) -> "Linear":
        """Put together what `to_json` and `to_arrays` took apart."""
        vocabulary = {f: i for i, f in enumerate(names["features"])}
        return cls(tuple(names["classes"]), vocabulary, **arrays)


def vector(
    features: Iterable[str], vocabulary: dict[str, int], scale: Floats
) -> tuple[NDArray[np.int64], Floats]:
    """Return rows and values (unit length) of the known features, each counted sublinearly."""
    found = Counter(vocabulary[f] for f in features if f in vocabulary)
    rows = np.array(sorted(found), np.int64)
    values = (1 + np.log([found[row] for row in rows.tolist()])).astype(np.float32)
    if len(rows):
        values = values * scale[rows]
        values = values / np.float32(max(float(np.sqrt(np.sum(values * values))), 1e-9))
    return rows, values.astype(np.float32)
