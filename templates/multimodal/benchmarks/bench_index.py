"""Exact and approximate search of several libraries, side by side in one run.

    python benchmarks/bench_index.py [--vectors 50000] [--queries 300] [--write]

The vectors are clustered, as those of a trained model are, about as many to a cluster as a search
asks for: with more, the nearest would all lie together, and any graph would find them. Each
library runs on one thread, so CPU time is what a search takes on a core of its own; neighbours do
not change it. What a library adds to an environment is measured from the files that it installed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import faiss
import numpy as np
import sqlite_vec
from usearch.index import Index as Usearch

from portfolio_project.index import EmbeddedIndex, Entry, Query
from portfolio_project.index.base import Document
from portfolio_project.index.graph import (
    CONNECTIVITY,
    EXPANSION_ADD,
    EXPANSION_SEARCH,
)
from portfolio_project.provenance import save_report

DIM = 128
PLACES = 10
REPORT = Path("reports/index.json")
Search = Callable[[np.ndarray], list[int]]


@dataclass(frozen=True)
class Row:
    """One library's figures."""

    name: str
    recall_at_10: float
    cpu_milliseconds: float
    queries_per_second: int
    build_cpu_seconds: float
    install_megabytes: float


def vectors(count: int, clusters: int, seed: int) -> np.ndarray:
    """Return unit vectors (count, DIM) in clusters that `seed` does not decide."""
    centres = np.random.default_rng(0).standard_normal((clusters, DIM))
    draw = np.random.default_rng(seed)
    made = centres[draw.integers(0, clusters, count)] + 0.7 * draw.standard_normal((count, DIM))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def installed(*distributions: str) -> float:
    """Return the megabytes of the files that these distributions installed."""
    sizes = (
        Path(file.locate()).stat().st_size
        for name in distributions
        for file in importlib.metadata.files(name) or []
        if Path(file.locate()).is_file()
    )
    return sum(sizes) / 1e6


def measure(
    name: str, make: Callable[[], Search], queries: np.ndarray, truth: list[set[int]], *needs: str
) -> Row:
    """Build, warm up, and search one query after another."""
    began = time.process_time()
    search = make()
    built = time.process_time() - began
    for query in queries[:20]:
        search(query)
    times, right = [], 0
    for query, expected in zip(queries, truth, strict=True):
        start = time.process_time()
        found = search(query)
        times.append(time.process_time() - start)
        right += len(expected & set(found))
    middle = float(np.median(times))
    row = Row(
        name,
        recall_at_10=round(right / (PLACES * len(queries)), 4),
        cpu_milliseconds=round(1e3 * middle, 3),
        queries_per_second=round(1 / middle),
        build_cpu_seconds=round(built, 1),
        install_megabytes=round(installed(*needs), 1),
    )
    print(
        f"{row.name:<28} recall@10 {row.recall_at_10:.4f}  {row.cpu_milliseconds:7.3f} ms"
        f"  {row.queries_per_second:8}/s  built in {row.build_cpu_seconds:6.1f} s"
        f"  {row.install_megabytes:6.1f} MB",
        file=sys.stderr,
    )
    return row


def exact_numpy(data: np.ndarray) -> Search:
    """Compare with every vector."""

    def search(query: np.ndarray) -> list[int]:
        scores = data @ query
        best = np.argpartition(-scores, PLACES)[:PLACES]
        return best[np.argsort(-scores[best])].tolist()

    return search


def usearch_hnsw(data: np.ndarray) -> Search:
    """HNSW with the settings of the embedded index."""
    index = Usearch(
        ndim=DIM,
        metric="ip",
        dtype="f16",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )
    index.add(np.arange(len(data), dtype=np.uint64), data, threads=1)
    return lambda query: index.search(query, PLACES, threads=1).keys.tolist()


def faiss_hnsw(data: np.ndarray) -> Search:
    """HNSW with the same numbers."""
    index = faiss.IndexHNSWFlat(DIM, CONNECTIVITY, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = EXPANSION_ADD, EXPANSION_SEARCH
    index.add(data)
    return lambda query: index.search(query[None], PLACES)[1][0].tolist()


def faiss_flat(data: np.ndarray) -> Search:
    """Compare with every vector."""
    index = faiss.IndexFlatIP(DIM)
    index.add(data)
    return lambda query: index.search(query[None], PLACES)[1][0].tolist()


def sqlite_vectors(data: np.ndarray) -> Search:
    """Compare with every vector, within SQLite."""
    database = sqlite3.connect(":memory:")
    database.enable_load_extension(True)  # noqa: FBT003 - its only argument
    sqlite_vec.load(database)
    database.execute(f"CREATE VIRTUAL TABLE v USING vec0(e float[{DIM}] distance_metric=cosine)")
    rows = ((at, vector.tobytes()) for at, vector in enumerate(data))
    database.executemany("INSERT INTO v(rowid, e) VALUES (?, ?)", rows)
    sql = "SELECT rowid FROM v WHERE e MATCH ? AND k = ? ORDER BY distance"
    return lambda query: [r[0] for r in database.execute(sql, (query.tobytes(), PLACES))]


def embedded(data: np.ndarray, folder: Path) -> Search:
    """The embedded index as a whole: on disk, with documents."""
    index = EmbeddedIndex(folder)
    index.rebuild("bench", DIM, lambda documents: [{} for _ in documents])
    for start in range(0, len(data), 5_000):
        part = range(start, min(start + 5_000, len(data)))
        index.upsert([Entry(Document(str(n)), {"image": data[n]}) for n in part], "bench")
    query = Query(data[0], "bench", "image", PLACES)
    index.search(query)
    index.settle()

    def search(vector: np.ndarray) -> list[int]:
        return [int(hit.id) for hit in index.search(Query(vector, "bench", "image", PLACES))]

    return search


def main() -> None:
    """Measure all, and with --write keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT}")
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    clusters = options.vectors // PLACES
    data = vectors(options.vectors, clusters, 1)
    queries = vectors(options.queries, clusters, 2)
    exact = exact_numpy(data)
    truth = [set(exact(query)) for query in queries]
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            measure("NumPy, exact", lambda: exact_numpy(data), queries, truth),
            measure("faiss, exact", lambda: faiss_flat(data), queries, truth, "faiss-cpu"),
            measure(
                "sqlite-vec, exact", lambda: sqlite_vectors(data), queries, truth, "sqlite-vec"
            ),
            measure("faiss, HNSW", lambda: faiss_hnsw(data), queries, truth, "faiss-cpu"),
            measure(
                "USearch, HNSW", lambda: usearch_hnsw(data), queries, truth, "usearch", "numkong"
            ),
            measure(
                "this project's index",
                lambda: embedded(data, Path(folder)),
                queries,
                truth,
                "usearch",
                "numkong",
            ),
        ]
    report = {
        "vectors": options.vectors,
        "dim": DIM,
        "queries": options.queries,
        "rows": [asdict(row) for row in rows],
    }
    if options.write:
        save_report(REPORT, report)
    else:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
