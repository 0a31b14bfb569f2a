"""The vectors of one modality in memory, searched exactly, or through a graph."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .base import Vector
from .graph import Graph
from .store import Rows

T = TypeVar("T", bound=np.generic)

GRAPH_FROM = 20_000
"""Below this many vectors, comparing with all of them is quick enough."""

SUBSET_SHARE = 0.2
"""A filter that lets less through is answered by comparing with all that it lets through."""

SPARE = 16
"""How many more neighbours than asked for are taken from the graph: some may be gone."""

Found = list[tuple[int, float]]
"""Document keys and cosines, best first."""


class _View(NamedTuple):
    """What a search sees: arrays that a writer never changes below their length."""

    serials: NDArray[np.int64]
    documents: NDArray[np.int64]
    vectors: Vector
    alive: NDArray[np.bool_]


class Column:
    """Appended to by one writer, searched by many readers."""

    def __init__(self, dim: int, graph_from: int = GRAPH_FROM) -> None:
        """Make an empty column for vectors of shape (dim,)."""
        self.graph = Graph(dim)
        self.graph_from = graph_from
        self._lock = threading.Lock()
        self._view = _View(
            np.empty(0, np.int64),
            np.empty(0, np.int64),
            np.empty((0, dim), np.float32),
            np.empty(0, np.bool_),
        )

    def __len__(self) -> int:
        return int(self._view.alive.sum())

    @property
    def last(self) -> int:
        """The serial of the newest vector."""
        serials = self._view.serials
        return int(serials[-1]) if len(serials) else 0

    def append(self, rows: Rows) -> None:
        """Add vectors with serials above all that are here."""
        serials, documents, vectors = rows
        if not len(serials):
            return
        with self._lock:
            old = self._view
            self._view = _View(
                _extended(old.serials, serials),
                _extended(old.documents, documents),
                _extended(old.vectors, vectors),
                _extended(old.alive, np.ones(len(serials), np.bool_)),
            )

    def kill(self, keys: list[int]) -> None:
        """Forget documents."""
        with self._lock:
            alive = self._view.alive & ~np.isin(self._view.documents, keys)
            self._view = self._view._replace(alive=alive)

    def extend_graph(self, going_on: Callable[[], bool]) -> int:
        """Bring what is not there yet into the graph; return how many were added."""
        view = self._view
        if len(view.serials) < self.graph_from:
            return 0
        start = int(np.searchsorted(view.serials, self.graph.covered, side="right"))
        return self.graph.add(view.serials[start:], view.vectors[start:], going_on)

    def search(
        self, vector: Vector, limit: int, allowed: NDArray[np.int64] | None, *, exact: bool
    ) -> Found:
        """The nearest documents, best first; `allowed` are sorted keys, None for all.

        Exact, unless there is a graph, `exact` is false, and enough documents are allowed.
        """
        view = self._view
        usable = view.alive
        if allowed is not None:
            usable = usable & np.isin(view.documents, allowed)
        if not exact and len(view.serials) >= self.graph_from:
            found = self._through_graph(view, vector, limit, usable)
            if found is not None:
                return found
        return _nearest(view, np.flatnonzero(usable), vector, limit)

    def _through_graph(
        self, view: _View, vector: Vector, limit: int, usable: NDArray[np.bool_]
    ) -> Found | None:
        share = float(usable.mean())
        if share < SUBSET_SHARE:
            return None
        serials, covered = self.graph.search(vector, int((limit + SPARE) / share) + 1)
        at = np.searchsorted(view.serials, serials).clip(max=len(view.serials) - 1)
        near = at[(view.serials[at] == serials) & usable[at]]
        tail_start = int(np.searchsorted(view.serials, covered, side="right"))
        tail = np.flatnonzero(usable[tail_start:]) + tail_start
        if len(near) < min(limit, int(usable[:tail_start].sum())):
            return None
        return _nearest(view, np.sort(np.concatenate([near, tail])), vector, limit)

    def get(self, key: int) -> Vector | None:
        """The vector of a document."""
        view = self._view
        found = np.flatnonzero((view.documents == key) & view.alive)
        return view.vectors[found[-1]].copy() if len(found) else None

    def first(self, limit: int) -> tuple[NDArray[np.int64], Vector]:
        """Document keys (n,) and vectors (n, dim) of the first `limit`."""
        view = self._view
        rows = np.flatnonzero(view.alive)[:limit]
        return view.documents[rows], view.vectors[rows]


def _nearest(view: _View, rows: NDArray[np.int64], vector: Vector, limit: int) -> Found:
    everything = len(rows) == len(view.serials)
    scores = (view.vectors if everything else view.vectors[rows]) @ vector
    if len(rows) > limit:
        best = np.argpartition(-scores, limit - 1)[:limit]
        # All that tie with the last place, so that ties can be settled by the caller's order.
        best = np.flatnonzero(scores >= scores[best].min())
    else:
        best = np.arange(len(rows))
    order = best[np.lexsort((view.documents[rows[best]], -scores[best]))][:limit]
    return [(int(view.documents[rows[one]]), float(scores[one])) for one in order]


def _extended(old: NDArray[T], new: NDArray[T]) -> NDArray[T]:
    """Append without copying each time: room is doubled, and readers keep their shorter view."""
    size, more = len(old), len(new)
    base = old.base
    if isinstance(base, np.ndarray) and base.dtype == old.dtype and len(base) >= size + more:
        room: NDArray[T] = base
    else:
        room = np.empty((max(64, 2 * (size + more)), *old.shape[1:]), old.dtype)
        room[:size] = old
    room[size : size + more] = new
    return room[: size + more]
