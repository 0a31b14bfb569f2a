"""How much of what exact search finds, approximate search finds too: asked of the live index."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from .base import Index, Query, normalised

PLACES = 10


@dataclass(frozen=True, slots=True)
class Recall:
    """Of `searches` searches: the share of the exact first ten found, and median milliseconds."""

    target: str
    searches: int
    recall: float
    exact_ms: float
    approximate_ms: float


def measure_recall(index: Index, model: str, target: str, searches: int, seed: int = 0) -> Recall:
    """Search near stored vectors in both ways. Raises VersionMismatchError.

    The queries are stored vectors with noise, so that they are like questions and not answers.
    """
    _, stored = index.sample(target, model, 10_000)
    if not len(stored) or not searches:
        return Recall(target, 0, 1.0, 0.0, 0.0)
    draw = np.random.default_rng(seed)
    chosen = stored[draw.integers(0, len(stored), searches)]
    noise = draw.standard_normal(chosen.shape).astype(np.float32) / np.sqrt(chosen.shape[1])
    found, times = 0.0, {True: list[float](), False: list[float]()}
    for vector in chosen + np.float32(0.3) * noise:
        query = Query(normalised(vector), model, target, PLACES)
        ids = {}
        for exact in (True, False):
            start = perf_counter()
            hits = index.search(replace(query, exact=exact))
            times[exact].append(1e3 * (perf_counter() - start))
            ids[exact] = {hit.id for hit in hits}
        found += len(ids[True] & ids[False]) / max(1, len(ids[True]))
    medians = {exact: float(np.median(taken)) for exact, taken in times.items()}
    return Recall(target, searches, found / searches, medians[True], medians[False])
