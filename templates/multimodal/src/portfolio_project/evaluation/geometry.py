"""What the space looks like: are scores chances, are partners near, are all directions used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .retrieval import Vectors

_BINS = 10
_PAIRS = 1_000


@dataclass(frozen=True)
class Calibration:
    """Confidence against truth, in ten bins of confidence.

    Attributes:
        error: expected calibration error (Guo et al. 2017): mean gap of both, weighted by count.
        bins: one (confidence, accuracy, count) for each bin that is not empty.
    """

    error: float
    bins: list[tuple[float, float, int]]


def calibration(queries: Vectors, gallery: Vectors, scale: float) -> Calibration:
    """Is the first item right as often as softmax(scale * cosine) over the gallery says."""
    logits = scale * (queries @ gallery.T)
    logits -= logits.max(1, keepdims=True)
    chances = np.exp(logits)
    confidence = 1 / chances.sum(1)
    right = logits.argmax(1) == np.arange(len(queries))
    places = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    bins = [_bin(confidence[places == place], right[places == place]) for place in range(_BINS)]
    held = [one for one in bins if one[2]]
    error = sum(abs(said - was) * count for said, was, count in held) / len(queries)
    return Calibration(float(error), held)


def _bin(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> tuple[float, float, int]:
    if not len(right):
        return 0.0, 0.0, 0
    return float(confidence.mean()), float(right.mean()), len(right)


def alignment(first: Vectors, second: Vectors) -> float:
    """Mean squared distance of partners, 0 to 4; less is nearer (Wang and Isola 2020)."""
    return float(((first - second) ** 2).sum(1).mean())


def uniformity(vectors: Vectors) -> float:
    """Log of the mean of exp(-2 squared distance) of all pairs; less is more even (as above)."""
    some = vectors[:_PAIRS]
    squared = np.clip(2 - 2 * some @ some.T, 0, None)
    apart = squared[np.triu_indices(len(some), 1)]
    return float(np.log(np.exp(-2 * apart).mean()))
