"""How well one modality finds another: ranks, recall, reciprocal rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Ranks = NDArray[np.int64]

_AT_ONCE = 500


def ranks(queries: Vectors, gallery: Vectors, kinds: NDArray[np.int64] | None = None) -> Ranks:
    """Where the true partner of each query comes in the gallery, (n,), 0 for first.

    Row i of `gallery` is the partner of row i of `queries`; both (n, d). Among equals the partner
    comes last, so that a model which gives every item the same vector finds nothing. Where `kinds`
    (n,) are given, every item of the query's kind is a partner, and the first of them counts.
    """
    found = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), _AT_ONCE):
        scores = queries[start : start + _AT_ONCE] @ gallery.T
        rows = np.arange(len(scores))
        if kinds is None:
            own = scores[rows, start + rows]
            found[start : start + len(scores)] = (scores >= own[:, None]).sum(1) - 1
        else:
            partners = kinds[start + rows, None] == kinds
            best = np.where(partners, scores, -np.inf).max(1)
            ahead = (scores >= best[:, None]) & ~partners
            found[start : start + len(scores)] = ahead.sum(1)
    return found


def recall(found: Ranks, k: int) -> float:
    """Share of queries whose partner is among the first `k`."""
    return float((found < k).mean())


def reciprocal_rank(found: Ranks) -> float:
    """The mean of 1 / rank, counted from 1."""
    return float((1 / (found + 1)).mean())
