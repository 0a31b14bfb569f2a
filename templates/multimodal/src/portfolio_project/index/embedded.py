"""The embedded index: SQLite keeps it, NumPy searches it exactly, USearch approximately.

Several processes may share the folder: each looks at the file's counter of changes before it
answers, and reads what is new.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import structlog

from .base import (
    Document,
    Embed,
    Entry,
    Hit,
    IndexCorruptError,
    Progress,
    Query,
    State,
    Vector,
    VersionMismatchError,
    version_of,
)
from .column import GRAPH_FROM, Column, Found
from .store import Store, add_vectors, check_application

FILE = "index.db"
GRAPHS = "graphs"
BATCH = 128
BUILD_FROM = 1_024
"""A graph is brought up to date when so many vectors are not in it."""

_log = structlog.get_logger("index")


class _Live:
    """The vectors of one generation in memory."""

    def __init__(self, generation: int, model: str, dim: int) -> None:
        self.generation = generation
        self.model = model
        self.dim = dim
        self.sequence = -1
        self.epoch = 0
        self.columns: dict[str, Column] = {}
        self.lock = threading.Lock()

    def stem(self, modality: str) -> str:
        """What the saved graph of a modality is called; graphs are of one epoch."""
        return f"e{self.epoch}g{self.generation}-{modality}"


class EmbeddedIndex:
    """An index in a folder."""

    searches_at_once = 8  # a thread costs more than a search in memory, and Python runs one

    def __init__(self, folder: Path, *, graph_from: int = GRAPH_FROM) -> None:
        """Open or make it. Raises IndexCorruptError if the file is something else."""
        self._folder = folder
        self._graph_from = graph_from
        self._store = Store(folder / FILE)
        self._lives: dict[str, _Live] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._builder: threading.Thread | None = None

    def state(self) -> State:
        """What is in it now."""
        newest = self._store.newest() or (0, "", 0)
        return State(
            generation=newest[0],
            sequence=self._store.sequence(),
            model=newest[1],
            dim=newest[2],
            documents=self._store.documents(),
            vectors=self._store.counts(newest[0]),
        )

    def version(self) -> str:
        """As `State.version`, without counting anything."""
        return version_of(*self._store.version())

    def upsert(self, entries: Sequence[Entry], model: str) -> None:
        """Write or replace whole documents. Raises VersionMismatchError."""
        newest = self._store.newest()
        if newest is None or newest[1] != model:
            raise self._mismatch(model)
        self._store.put(entries, newest[0])

    def delete(self, ids: Sequence[str]) -> int:
        """Remove documents; return how many there were."""
        return self._store.drop(ids)

    def get(self, document: str, *, media: bool = False) -> Document | None:
        """A document, its media only if asked for."""
        return self._store.get(document, media=media)

    def fetch(self, ids: Sequence[str]) -> dict[str, Document]:
        """Those of the documents that are there, by their ids, without media."""
        return self._store.fetch(ids)

    def page(self, after: str, limit: int) -> list[Document]:
        """Documents in the order of their ids."""
        return self._store.page(after, limit)

    def vector(self, document: str, target: str, model: str) -> Vector | None:
        """One vector, if there is one. Raises VersionMismatchError."""
        generation, _ = self._store.generation(model) or (None, 0)
        if generation is None:
            raise self._mismatch(model)
        sql = (
            "SELECT v.vector FROM vectors v JOIN documents d ON d.key = v.document"
            " WHERE d.id = ? AND v.generation = ? AND v.modality = ?"
        )
        row = self._store.connection.execute(sql, (document, generation, target)).fetchone()
        return np.frombuffer(row[0], np.float32) if row else None

    def sample(self, target: str, model: str, limit: int) -> tuple[list[str], Vector]:
        """Ids and vectors (n, dim) of the first documents. Raises VersionMismatchError."""
        live = self._live(model)
        column = live.columns.get(target)
        if column is None:
            return [], np.empty((0, live.dim), np.float32)
        keys, vectors = column.first(limit)
        names = self._store.ids(keys.tolist())
        here = [at for at, key in enumerate(keys.tolist()) if key in names]
        return [names[int(keys[at])] for at in here], vectors[here]

    def search(self, query: Query) -> list[Hit]:
        """The nearest, best first. Raises VersionMismatchError."""
        return self.search_all([query])[0]

    def search_all(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """As `search` for each; all are of one model. Raises VersionMismatchError."""
        live = self._live(queries[0].model)
        found = [self._nearest(live, query) for query in queries]
        names = self._store.ids(sorted({key for one in found for key, _ in one}))
        hits = [[Hit(names[key], score) for key, score in one if key in names] for one in found]
        return [sorted(one, key=lambda hit: (-hit.score, hit.id)) for one in hits]

    def _nearest(self, live: _Live, query: Query) -> Found:
        column = live.columns.get(query.target)
        if column is None:
            return []
        allowed = self._store.matching(query.filters) if query.filters else None
        return column.search(query.vector, query.limit, allowed, exact=query.exact)

    def rebuild(self, model: str, dim: int, embed: Embed, progress: Progress | None = None) -> int:
        """Embed what `model` has not embedded yet; searches and writes go on meanwhile."""
        store = self._store
        with store.writing() as connection:
            sql = "INSERT OR IGNORE INTO generations (model, dim, ready) VALUES (?, ?, 0)"
            connection.execute(sql, (model, dim))
            sql = "SELECT id FROM generations WHERE model = ?"
            generation = int(connection.execute(sql, (model,)).fetchone()[0])
        done, last = 0, 0
        while True:
            missing = store.missing(generation, last, BATCH)
            vectors = embed([document for _, document in missing]) if missing else []
            with store.writing() as connection:
                if not missing and not store.missing(generation, last, 1):
                    self._finish(connection, generation)
                    return done
                sql = "SELECT count(*) FROM documents WHERE key = ?"
                for (key, _), made in zip(missing, vectors, strict=True):
                    if connection.execute(sql, (key,)).fetchone()[0]:
                        add_vectors(connection, generation, key, made)
            last = missing[-1][0] if missing else last
            done += len(missing)
            if progress is not None:
                progress(done, store.documents())

    @staticmethod
    def _finish(connection: sqlite3.Connection, generation: int) -> None:
        """Let a whole generation answer; keep the one before it, for requests under way."""
        sql = "SELECT id FROM generations WHERE ready AND id != ? ORDER BY ready DESC LIMIT 1"
        before = connection.execute(sql, (generation,)).fetchone()
        keep = (generation, before[0] if before else generation)
        connection.execute("DELETE FROM generations WHERE id NOT IN (?, ?)", keep)
        sql = "UPDATE generations SET ready = 1 + (SELECT max(ready) FROM generations) WHERE id = ?"
        connection.execute(sql, (generation,))

    def snapshot(self, path: Path) -> None:
        """Write everything into one file, as of one moment, while searches and writes go on."""
        check_target(path, self._store.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.unlink(missing_ok=True)
        with closing(sqlite3.connect(beside)) as target:
            self._store.connection.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        beside.replace(path)

    def restore(self, path: Path) -> None:
        """Replace everything by a snapshot, all or nothing. Raises IndexCorruptError."""
        with closing(open_snapshot(path)) as source:
            sequence, epoch = self._store.now()
            # Above both counters: nobody may take what is here now for what was here before.
            with closing(sqlite3.connect(":memory:")) as copy:
                source.backup(copy)
                sql = "UPDATE counter SET sequence = max(sequence, ?) + 1, epoch = ?"
                copy.execute(sql, (sequence, epoch + 1))
                copy.commit()
                copy.backup(self._store.connection)

    def close(self) -> None:
        """Stop building, and close the file."""
        self._closed.set()
        if self._builder is not None:
            self._builder.join()
        self._store.close()

    def settle(self) -> None:
        """Wait until the graphs are up to date."""
        if self._builder is not None:
            self._builder.join()

    def _mismatch(self, model: str) -> VersionMismatchError:
        newest = self._store.newest()
        return VersionMismatchError(model, newest[1] if newest else "")

    def _live(self, model: str) -> _Live:
        """The generation of a model, brought up to date."""
        sequence, epoch = self._store.now()
        with self._lock:
            live = self._lives.get(model)
        if live is not None and live.epoch != epoch:
            live = None
        if live is not None and live.sequence == sequence:
            return live
        found = self._store.generation(model)
        if found is None:
            if live is not None:
                return live  # its generation was dropped while this request was under way
            raise self._mismatch(model)
        if live is None or live.generation != found[0]:
            live = _Live(found[0], model, found[1])
            live.epoch = epoch
        with live.lock:
            if live.sequence != sequence:
                self._catch_up(live, sequence)
        with self._lock:
            self._lives.pop(model, None)
            self._lives[model] = live
            for old in list(self._lives)[:-2]:
                del self._lives[old]
        return live

    def _catch_up(self, live: _Live, sequence: int) -> None:
        fresh = live.sequence < 0
        waiting = False
        last = max((column.last for column in live.columns.values()), default=0)
        for modality in self._store.modalities(live.generation, last):
            column = live.columns.get(modality)
            if column is None:
                column = Column(live.dim, self._graph_from)
                column.graph.load(self._folder / GRAPHS, live.stem(modality))
                live.columns[modality] = column
            column.append(self._store.rows(live.generation, modality, column.last))
            behind = column.last - column.graph.covered
            waiting |= len(column) >= self._graph_from and behind >= min(
                BUILD_FROM, self._graph_from
            )
        gone = [] if fresh else self._store.deleted(live.sequence)
        if gone:
            for column in live.columns.values():
                column.kill(gone)
        live.sequence = sequence
        if waiting and (self._builder is None or not self._builder.is_alive()):
            self._builder = threading.Thread(target=self._build, args=(live,), daemon=True)
            self._builder.start()

    def _build(self, live: _Live) -> None:
        """In a thread of its own: bring the graphs up to date, and save them."""
        for modality, column in list(live.columns.items()):
            try:
                if column.extend_graph(lambda: not self._closed.is_set()):
                    column.graph.save(self._folder / GRAPHS, live.stem(modality))
            except OSError as error:
                _log.warning("graph_not_saved", modality=modality, reason=str(error))


def check_target(path: Path, own: Path | None = None) -> None:
    """Raise IndexCorruptError where a snapshot would take the place of something else."""
    if own is not None and path.resolve() == own.resolve():
        raise IndexCorruptError(f"{path} is the index itself. Name another file")
    if path.exists():
        try:
            open_snapshot(path).close()
        except IndexCorruptError:
            raise IndexCorruptError(f"{path} is there and no snapshot. Name another file") from None


def open_snapshot(path: Path) -> sqlite3.Connection:
    """Open a snapshot for reading, checked. Raises IndexCorruptError."""
    if not path.is_file():
        raise IndexCorruptError(f"there is no file {path}. Name a file that `index snapshot` wrote")
    source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        check_application(source)
        (verdict,) = source.execute("PRAGMA integrity_check").fetchone()
        source.execute("SELECT sequence FROM counter").fetchone()
    except sqlite3.DatabaseError as error:
        source.close()
        raise IndexCorruptError(f"{path} is no snapshot of an index ({error})") from None
    if verdict != "ok":
        source.close()
        raise IndexCorruptError(f"{path} is damaged ({verdict})")
    return source
