"""The index on disk: one SQLite file, which is the truth; whatever is in memory follows it.

A write is one transaction, so a kill at any moment leaves all of it or nothing. A document gets a
new key each time it is written, and keys are never used twice: what is in memory or in a saved
graph under an old key can be told from what is there now.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from .base import Document, Entry, IndexCorruptError, IndexUnavailableError, Media, Vector

APPLICATION_ID = 1835886968
_SCHEMA = """
PRAGMA application_id = 1835886968;
CREATE TABLE IF NOT EXISTS counter (sequence INTEGER NOT NULL, epoch INTEGER NOT NULL);
INSERT INTO counter SELECT 0, 1 WHERE NOT EXISTS (SELECT 1 FROM counter);
CREATE TABLE IF NOT EXISTS generations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL UNIQUE, dim INTEGER NOT NULL,
  ready INTEGER NOT NULL -- 0 until it is whole, then in which order it became so
);
CREATE TABLE IF NOT EXISTS documents (
  key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, caption TEXT,
  attributes TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS attributes (
  document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
  name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, value, document)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS attributes_document ON attributes (document);
CREATE TABLE IF NOT EXISTS media (
  document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
  kind TEXT NOT NULL, type TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (document, kind)
);
CREATE TABLE IF NOT EXISTS vectors (
  serial INTEGER PRIMARY KEY AUTOINCREMENT,
  generation INTEGER NOT NULL REFERENCES generations ON DELETE CASCADE,
  document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
  modality TEXT NOT NULL, vector BLOB NOT NULL, UNIQUE (document, generation, modality)
);
CREATE INDEX IF NOT EXISTS vectors_order ON vectors (generation, modality, serial);
CREATE TABLE IF NOT EXISTS deletions (sequence INTEGER NOT NULL, document INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS deletions_order ON deletions (sequence);
"""
_VERSION = """
SELECT (SELECT id FROM generations WHERE ready ORDER BY ready DESC LIMIT 1), sequence FROM counter
"""
_MISSING = """
SELECT d.key, d.id, d.caption, d.attributes FROM documents d WHERE d.key > ? AND NOT EXISTS
  (SELECT 1 FROM vectors v WHERE v.document = d.key AND v.generation = ?)
ORDER BY d.key LIMIT ?
"""
Rows = tuple[NDArray[np.int64], NDArray[np.int64], Vector]
"""Serials (n,), document keys (n,) and vectors (n, dim), by serial."""


class Store:
    """The file. One connection for each thread."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises IndexCorruptError if it is something else."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._mine = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            check_application(self.connection)
            self.connection.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise IndexCorruptError(f"{path} is no index: {error}. Move it away") from None

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        if not hasattr(self._mine, "connection"):
            made = sqlite3.connect(
                self.path, timeout=30, isolation_level=None, check_same_thread=False
            )
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("PRAGMA synchronous = FULL")
            made.execute("PRAGMA foreign_keys = ON")
            made.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
            with self._lock:
                self._all.append(made)
            self._mine.connection = made
        connection: sqlite3.Connection = self._mine.connection
        return connection

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._mine = threading.local()

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """One transaction that changes the index, and counts as one change.

        Raises IndexUnavailableError where the disk is full, or another writer does not end.
        """
        connection = self.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE counter SET sequence = sequence + 1")
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:  # some errors have rolled it back already
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise IndexUnavailableError(
                    f"{self.path} cannot be written: {error}. Check its disk; nothing was changed"
                ) from error
            raise

    def version(self) -> tuple[int, int]:
        """Id of the generation that became whole last, or 0, and how many changes there were."""
        row = self.connection.execute(_VERSION).fetchone()
        return int(row[0] or 0), int(row[1])

    def sequence(self) -> int:
        """How many changes there were."""
        return self.now()[0]

    def now(self) -> tuple[int, int]:
        """How many changes there were, and restores: after one, nothing in memory holds."""
        sequence, epoch = self.connection.execute("SELECT sequence, epoch FROM counter").fetchone()
        return int(sequence), int(epoch)

    def generation(self, model: str) -> tuple[int, int] | None:
        """Id and dim of the generation of `model`, if it is ready."""
        sql = "SELECT id, dim FROM generations WHERE model = ? AND ready"
        row = self.connection.execute(sql, (model,)).fetchone()
        return (int(row[0]), int(row[1])) if row else None

    def newest(self) -> tuple[int, str, int] | None:
        """Id, model and dim of the generation that became whole last: the one to write to."""
        sql = "SELECT id, model, dim FROM generations WHERE ready ORDER BY ready DESC LIMIT 1"
        row = self.connection.execute(sql).fetchone()
        return (int(row[0]), str(row[1]), int(row[2])) if row else None

    def documents(self) -> int:
        """How many documents there are."""
        return int(self.connection.execute("SELECT count(*) FROM documents").fetchone()[0])

    def counts(self, generation: int) -> dict[str, int]:
        """How many vectors a generation has, by modality."""
        sql = "SELECT modality, count(*) FROM vectors WHERE generation = ? GROUP BY modality"
        return dict(self.connection.execute(sql, (generation,)).fetchall())

    def modalities(self, generation: int, after: int) -> list[str]:
        """Which modalities got vectors after the one with the serial `after`."""
        sql = "SELECT DISTINCT modality FROM vectors WHERE generation = ? AND serial > ?"
        return sorted(row[0] for row in self.connection.execute(sql, (generation, after)))

    def put(self, entries: Sequence[Entry], generation: int) -> None:
        """Write whole documents in one transaction."""
        with self.writing() as connection:
            drop(connection, [entry.document.id for entry in entries])
            for entry in entries:
                key = _insert_document(connection, entry.document)
                add_vectors(connection, generation, key, entry.vectors)

    def drop(self, ids: Sequence[str]) -> int:
        """Remove documents in one transaction; return how many there were."""
        if not self.fetch(ids):
            return 0  # nothing changes
        with self.writing() as connection:
            return drop(connection, ids)

    def rows(self, generation: int, modality: str, after: int) -> Rows:
        """The vectors that were written after the one with the serial `after`."""
        sql = (
            "SELECT serial, document, vector FROM vectors"
            " WHERE generation = ? AND modality = ? AND serial > ? ORDER BY serial"
        )
        found = self.connection.execute(sql, (generation, modality, after)).fetchall()
        serials = np.array([row[0] for row in found], np.int64)
        documents = np.array([row[1] for row in found], np.int64)
        flat = np.frombuffer(b"".join(row[2] for row in found), np.float32)
        return serials, documents, flat.reshape(len(found), -1 if found else 0)

    def deleted(self, after: int) -> list[int]:
        """Keys that were removed after the change `after`."""
        sql = "SELECT document FROM deletions WHERE sequence > ?"
        return [int(row[0]) for row in self.connection.execute(sql, (after,))]

    def ids(self, keys: Iterable[int]) -> dict[int, str]:
        """The documents' ids by key; a key that is gone has none."""
        wanted = orjson.dumps([int(key) for key in keys]).decode()
        sql = "SELECT key, id FROM documents WHERE key IN (SELECT value FROM json_each(?))"
        return dict(self.connection.execute(sql, (wanted,)).fetchall())

    def matching(self, filters: Mapping[str, str]) -> NDArray[np.int64]:
        """Keys, sorted, of the documents with all these attributes."""
        clause = "SELECT document FROM attributes WHERE name = ? AND value = ?"
        sql = " INTERSECT ".join([clause] * len(filters))
        values = [part for pair in sorted(filters.items()) for part in pair]
        found = self.connection.execute(sql, values).fetchall()
        return np.sort(np.array([row[0] for row in found], np.int64))

    def get(self, document: str, *, media: bool) -> Document | None:
        """A document by its id."""
        sql = "SELECT key, id, caption, attributes FROM documents WHERE id = ?"
        row = self.connection.execute(sql, (document,)).fetchone()
        return self._document(row, media=media) if row else None

    def fetch(self, ids: Sequence[str]) -> dict[str, Document]:
        """Those of the documents that are there, by their ids, without media."""
        wanted = orjson.dumps(list(ids)).decode()
        sql = (
            "SELECT key, id, caption, attributes FROM documents"
            " WHERE id IN (SELECT value FROM json_each(?))"
        )
        found = self.connection.execute(sql, (wanted,)).fetchall()
        return {str(row[1]): self._document(row, media=False) for row in found}

    def page(self, after: str, limit: int) -> list[Document]:
        """Documents in the order of their ids."""
        sql = "SELECT key, id, caption, attributes FROM documents WHERE id > ? ORDER BY id LIMIT ?"
        found = self.connection.execute(sql, (after, limit)).fetchall()
        return [self._document(row, media=False) for row in found]

    def missing(self, generation: int, after: int, limit: int) -> list[tuple[int, Document]]:
        """Documents (key, document with media) that have no vector in a generation."""
        found = self.connection.execute(_MISSING, (after, generation, limit)).fetchall()
        return [(int(row[0]), self._document(row, media=True)) for row in found]

    def _document(self, row: tuple[int, str, str | None, str], *, media: bool) -> Document:
        key, name, caption, attributes = row
        held: dict[str, Media] = {}
        if media:
            sql = "SELECT kind, type, data FROM media WHERE document = ?"
            held = {k: Media(t, d) for k, t, d in self.connection.execute(sql, (key,))}
        return Document(name, caption, orjson.loads(attributes), held)


def check_application(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError unless the database is an index, or empty."""
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and mark != APPLICATION_ID:
        raise sqlite3.DatabaseError("it was made by another program")


def drop(connection: sqlite3.Connection, ids: Sequence[str]) -> int:
    """Remove documents within a transaction, and remember their keys for other processes."""
    names = orjson.dumps(list(ids)).decode()
    chosen = "id IN (SELECT value FROM json_each(?))"
    connection.execute(
        "INSERT INTO deletions SELECT (SELECT sequence FROM counter), key"  # noqa: S608 - constants
        f" FROM documents WHERE {chosen}",
        (names,),
    )
    return connection.execute(f"DELETE FROM documents WHERE {chosen}", (names,)).rowcount  # noqa: S608 - constants


def add_vectors(
    connection: sqlite3.Connection, generation: int, key: int, vectors: Mapping[str, Vector]
) -> None:
    """Add the vectors of one document within a transaction."""
    connection.executemany(
        "INSERT INTO vectors (generation, document, modality, vector) VALUES (?, ?, ?, ?)",
        [(generation, key, kind, vectors[kind].tobytes()) for kind in sorted(vectors)],
    )


def _insert_document(connection: sqlite3.Connection, document: Document) -> int:
    sql = "INSERT INTO documents (id, caption, attributes) VALUES (?, ?, ?)"
    attributes = orjson.dumps(dict(document.attributes), option=orjson.OPT_SORT_KEYS).decode()
    key = connection.execute(sql, (document.id, document.caption, attributes)).lastrowid
    assert key is not None
    connection.executemany(
        "INSERT INTO attributes VALUES (?, ?, ?)",
        [(key, name, value) for name, value in document.attributes.items()],
    )
    connection.executemany(
        "INSERT INTO media VALUES (?, ?, ?, ?)",
        [(key, kind, one.content_type, one.data) for kind, one in document.media.items()],
    )
    return key
