"""The approximate half: a graph of near neighbours (HNSW, Malkov and Yashunin 2018) by USearch.

The graph only speeds up what the vectors already answer, so it may lag behind, be missing or be
thrown away: whoever searches compares the vectors that it does not cover one by one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index as Usearch

from .base import Vector

CONNECTIVITY = 16
EXPANSION_ADD = 128
EXPANSION_SEARCH = 192
"""How many candidates a search keeps: benchmarks/bench_index.py has what that finds and costs."""
CHUNK = 32
"""Vectors added between two chances for a search: some 20 ms."""


class Graph:
    """Neighbours of the vectors of one modality, keyed by their serials."""

    def __init__(self, dim: int) -> None:
        """Make an empty graph for vectors of shape (dim,)."""
        self._dim = dim
        self._index = self._empty()
        self._lock = threading.Lock()
        self.covered = 0
        """The highest serial that is in the graph."""

    def __len__(self) -> int:
        return len(self._index)

    def add(self, serials: NDArray[np.int64], vectors: Vector, going_on: Callable[[], bool]) -> int:
        """Add vectors (n, dim) in the order of their serials; return how many were added.

        Searches find room between chunks. It stops early when `going_on` says no.
        """
        for start in range(0, len(serials), CHUNK):
            if not going_on():
                return start
            part = slice(start, start + CHUNK)
            with self._lock:
                self._index.add(serials[part].astype(np.uint64), vectors[part], threads=1)
                self.covered = int(serials[part][-1])
        return len(serials)

    def search(self, vector: Vector, limit: int) -> tuple[NDArray[np.int64], int]:
        """Serials of the `limit` nearest, roughly, and up to which serial the graph has looked."""
        with self._lock:
            if not len(self._index):
                return np.empty(0, np.int64), self.covered
            found = self._index.search(vector, limit, threads=1)
            return np.asarray(found.keys).astype(np.int64), self.covered

    def save(self, folder: Path, stem: str) -> None:
        """Write the graph beside the index; the file that it replaces goes last."""
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f".{stem}.new"
        with self._lock:
            self._index.save(str(beside))
            name = f"{stem}-{self.covered}.usearch"
        beside.replace(folder / name)
        for old in folder.glob(f"{stem}-*.usearch"):
            if old.name != name:
                old.unlink(missing_ok=True)

    def load(self, folder: Path, stem: str) -> None:
        """Take up a saved graph; one that can't be read is as good as none."""
        for path in folder.glob(f"{stem}-*.usearch"):
            covered = path.stem.rpartition("-")[2]
            try:
                # usearch raises plain RuntimeErrors for a file that is cut short.
                read = self._empty()
                read.load(str(path))
            except (RuntimeError, ValueError, OSError):
                path.unlink(missing_ok=True)
                continue
            if covered.isdigit() and read.ndim == self._dim and int(covered) > self.covered:
                self._index, self.covered = read, int(covered)

    def _empty(self) -> Usearch:
        return Usearch(
            ndim=self._dim,
            metric="ip",
            dtype="f16",
            connectivity=CONNECTIVITY,
            expansion_add=EXPANSION_ADD,
            expansion_search=EXPANSION_SEARCH,
        )
