# ruff: noqa: S608 - SQL is put together from numbers of generations and names of modalities
"""The index on PostgreSQL with pgvector: the same documents, generations and answers, shared.

Vectors of a generation lie in a table of their own, with one HNSW graph for each modality. A
search that a filter narrows goes on through the graph until it has enough (`iterative_scan`).
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg
from pgvector import Vector as PgVector
from pgvector.psycopg import register_vector

from . import postgres_copy
from .base import (
    Document,
    Embed,
    Entry,
    Hit,
    IndexUnavailableError,
    Media,
    Progress,
    Query,
    State,
    Vector,
    VersionMismatchError,
    version_of,
)
from .embedded import BATCH, check_target, open_snapshot

EF_SEARCH = 100
Connection = psycopg.Connection[Any]
_WRITE_LOCK = 0x6D6D6978
_SCHEMA = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS counter (sequence bigint NOT NULL);
INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT FROM counter);
CREATE TABLE IF NOT EXISTS generations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, model text NOT NULL UNIQUE,
  dim integer NOT NULL, ready bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS documents (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  caption text, attributes jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS documents_attributes ON documents USING gin (attributes jsonb_path_ops);
CREATE TABLE IF NOT EXISTS media (
  document bigint NOT NULL REFERENCES documents ON DELETE CASCADE, kind text NOT NULL,
  type text NOT NULL, data bytea NOT NULL, PRIMARY KEY (document, kind)
);
"""


class PostgresIndex:
    """An index in a database; one connection for each thread, opened again when it was lost."""

    searches_at_once = 1  # the server answers as many as there are connections

    def __init__(self, url: str) -> None:
        """Connect, and make the tables. Raises IndexUnavailableError."""
        self._url = url
        self._mine = threading.local()
        self._all: list[Connection] = []
        self._graphs: set[tuple[int, str]] = set()
        with self._transaction() as connection:
            _lock(connection)
            connection.execute(_SCHEMA)
        register_vector(self._connection())

    def state(self) -> State:
        """What is in it now."""
        with self._transaction() as connection:
            sql = (
                "SELECT id, model, dim FROM generations WHERE ready > 0 ORDER BY ready DESC LIMIT 1"
            )
            newest = connection.execute(sql).fetchone() or (0, "", 0)
            counts: dict[str, int] = {}
            if newest[0]:
                text = f"SELECT modality, count(*) FROM vectors_{newest[0]:d} GROUP BY modality"
                counts = dict(_run(connection, text).fetchall())
            sql = "SELECT (SELECT sequence FROM counter), (SELECT count(*) FROM documents)"
            sequence, documents = connection.execute(sql).fetchone() or (0, 0)
        return State(newest[0], sequence, newest[1], newest[2], documents, counts)

    def version(self) -> str:
        """As `State.version`, without counting anything."""
        sql = (
            "SELECT (SELECT id FROM generations WHERE ready > 0 ORDER BY ready DESC LIMIT 1),"
            " sequence FROM counter"
        )
        with self._transaction() as connection:
            generation, sequence = connection.execute(sql).fetchone() or (0, 0)
        return version_of(generation or 0, sequence)

    def upsert(self, entries: Sequence[Entry], model: str) -> None:
        """Write or replace whole documents. Raises VersionMismatchError."""
        with self._writing() as connection:
            generation = self._generation(connection, model, newest=True)
            _drop(connection, [entry.document.id for entry in entries])
            for entry in entries:
                key = _insert_document(connection, entry.document)
                _add_vectors(connection, generation, key, entry.vectors)
            unknown = {(generation, kind) for one in entries for kind in one.vectors}
            if unknown - self._graphs:
                index_modalities(connection, generation)
        self._graphs |= unknown

    def delete(self, ids: Sequence[str]) -> int:
        """Remove documents; return how many there were."""
        if not self.fetch(ids):
            return 0  # nothing changes
        with self._writing() as connection:
            return _drop(connection, ids)

    def get(self, document: str, *, media: bool = False) -> Document | None:
        """A document, its media only if asked for."""
        with self._transaction() as connection:
            sql = "SELECT key, id, caption, attributes FROM documents WHERE id = %s"
            row = connection.execute(sql, (document,)).fetchone()
            return _document(connection, row, media=media) if row else None

    def fetch(self, ids: Sequence[str]) -> dict[str, Document]:
        """Those of the documents that are there, by their ids, without media."""
        sql = "SELECT key, id, caption, attributes FROM documents WHERE id = ANY(%s)"
        with self._transaction() as connection:
            found = connection.execute(sql, (list(ids),)).fetchall()
            return {row[1]: _document(connection, row, media=False) for row in found}

    def page(self, after: str, limit: int) -> list[Document]:
        """Documents in the order of their ids."""
        sql = (
            "SELECT key, id, caption, attributes FROM documents WHERE id > %s ORDER BY id LIMIT %s"
        )
        with self._transaction() as connection:
            found = connection.execute(sql, (after, limit)).fetchall()
            return [_document(connection, row, media=False) for row in found]

    def vector(self, document: str, target: str, model: str) -> Vector | None:
        """One vector, if there is one. Raises VersionMismatchError."""
        with self._transaction() as connection:
            generation = self._generation(connection, model)
            text = (
                f"SELECT v.vector FROM vectors_{generation:d} v JOIN documents d"
                " ON d.key = v.document WHERE d.id = %s AND v.modality = %s"
            )
            row = _run(connection, text, (document, target)).fetchone()
        return np.asarray(row[0].to_numpy(), np.float32) if row else None

    def sample(self, target: str, model: str, limit: int) -> tuple[list[str], Vector]:
        """Ids and vectors (n, dim) of the first documents. Raises VersionMismatchError."""
        with self._transaction() as connection:
            generation = self._generation(connection, model)
            text = (
                f"SELECT d.id, v.vector FROM vectors_{generation:d} v JOIN documents d"
                " ON d.key = v.document WHERE v.modality = %s ORDER BY d.key LIMIT %s"
            )
            found = _run(connection, text, (target, limit)).fetchall()
        vectors = np.array([row[1].to_numpy() for row in found], np.float32)
        return [row[0] for row in found], vectors

    def search(self, query: Query) -> list[Hit]:
        """The nearest, best first. Raises VersionMismatchError."""
        with self._transaction() as connection:
            generation = self._generation(connection, query.model)
            connection.execute(
                "SELECT set_config('enable_indexscan', %s, true),"
                " set_config('hnsw.ef_search', %s, true),"
                " set_config('hnsw.iterative_scan', 'strict_order', true)",
                ("off" if query.exact else "on", str(max(EF_SEARCH, query.limit))),
            )
            text = (
                "SELECT d.id, -(v.vector <#> %(vector)s) AS score"
                f" FROM vectors_{generation:d} v JOIN documents d ON d.key = v.document"
                f" WHERE v.modality = {_literal(query.target)} AND d.attributes @> %(filters)s"
                " ORDER BY v.vector <#> %(vector)s LIMIT %(limit)s"
            )
            values = {
                "vector": PgVector(query.vector),
                "filters": orjson.dumps(dict(query.filters)).decode(),
                "limit": query.limit,
            }
            found = _run(connection, text, values).fetchall()
        hits = [Hit(row[0], float(row[1])) for row in found]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))

    def search_all(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """As `search` for each; all are of one model. Raises VersionMismatchError."""
        return [self.search(query) for query in queries]

    def rebuild(self, model: str, dim: int, embed: Embed, progress: Progress | None = None) -> int:
        """Embed what `model` has not embedded yet; searches and writes go on meanwhile."""
        with self._writing() as connection:
            generation = _open_generation(connection, model, dim)
        done, last = 0, 0
        while True:
            with self._transaction() as connection:
                missing = _missing(connection, generation, last, BATCH)
            vectors = embed([document for _, document in missing]) if missing else []
            with self._writing() as connection:
                if not missing and not _missing(connection, generation, last, 1):
                    _finish(connection, generation)
                    return done
                sql = "SELECT FROM documents WHERE key = %s FOR SHARE"
                for (key, _), made in zip(missing, vectors, strict=True):
                    if connection.execute(sql, (key,)).fetchone() is not None:
                        _add_vectors(connection, generation, key, made)
            last = missing[-1][0] if missing else last
            done += len(missing)
            if progress is not None:
                progress(done, self.state().documents)

    def snapshot(self, path: Path) -> None:
        """Write everything into one file of the embedded index's form, as of one moment."""
        check_target(path)
        with self._transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            postgres_copy.dump(connection, path)

    def restore(self, path: Path) -> None:
        """Replace everything by a snapshot of either engine. Raises IndexCorruptError."""
        with closing(open_snapshot(path)) as source, self._writing() as connection:
            postgres_copy.load(source, connection, _open_generation)

    def close(self) -> None:
        """Close every thread's connection."""
        for connection in self._all:
            connection.close()
        self._all.clear()
        self._mine = threading.local()

    def _connection(self) -> Connection:
        held: Connection | None = getattr(self._mine, "connection", None)
        if held is None or held.closed or held.broken:
            try:
                held = psycopg.connect(self._url, connect_timeout=5, autocommit=True)
            except psycopg.OperationalError as error:
                reason = " ".join(str(error).split())
                raise IndexUnavailableError(
                    f"the index's database is not there: {reason}"
                ) from None
            if self._all:
                register_vector(held)
            self._mine.connection = held
            self._all.append(held)
        return held

    @contextmanager
    def _transaction(self) -> Generator[Connection]:
        connection = self._connection()
        try:
            with connection.transaction():
                yield connection
        except psycopg.OperationalError as error:
            reason = " ".join(str(error).split())
            raise IndexUnavailableError(f"the index's database failed: {reason}") from error

    @contextmanager
    def _writing(self) -> Generator[Connection]:
        """One transaction that changes the index, one at a time, and counts as one change."""
        with self._transaction() as connection:
            _lock(connection)
            connection.execute("UPDATE counter SET sequence = sequence + 1")
            yield connection

    @staticmethod
    def _generation(connection: Connection, model: str, *, newest: bool = False) -> int:
        """The whole generation of a model, with `newest` only if none became whole after it."""
        sql = "SELECT id, model FROM generations WHERE ready > 0 ORDER BY ready DESC"
        found = connection.execute(sql).fetchall()
        for generation, of_model in found[:1] if newest else found:
            if of_model == model:
                return int(generation)
        raise VersionMismatchError(model, found[0][1] if found else "")


def _run(connection: Connection, text: str, values: Any = None) -> psycopg.Cursor[Any]:
    """Execute SQL that holds the number of a generation, which no parameter can."""
    return connection.execute(text.encode(), values)


def _literal(modality: str) -> str:
    """A modality as the planner must see it to choose that modality's own graph."""
    return "'" + modality.replace("'", "''").replace("%", "%%") + "'"


def _lock(connection: Connection) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_WRITE_LOCK,))


def _open_generation(connection: Connection, model: str, dim: int) -> int:
    sql = "INSERT INTO generations (model, dim, ready) VALUES (%s, %s, 0) ON CONFLICT DO NOTHING"
    connection.execute(sql, (model, dim))
    found = connection.execute("SELECT id FROM generations WHERE model = %s", (model,)).fetchone()
    assert found is not None
    generation = int(found[0])
    _run(
        connection,
        f"CREATE TABLE IF NOT EXISTS vectors_{generation:d} (document bigint NOT NULL"
        " REFERENCES documents ON DELETE CASCADE, modality text NOT NULL,"
        f" vector vector({dim:d}) NOT NULL, PRIMARY KEY (document, modality))",
    )
    return generation


def _finish(connection: Connection, generation: int) -> None:
    """Let a whole generation answer; keep the one before it, for requests under way."""
    sql = "SELECT id FROM generations WHERE ready > 0 AND id != %s ORDER BY ready DESC LIMIT 1"
    before = connection.execute(sql, (generation,)).fetchone()
    kept = [generation, before[0] if before else generation]
    sql = "DELETE FROM generations WHERE id != ALL(%s) RETURNING id"
    for (old,) in connection.execute(sql, (kept,)).fetchall():
        _run(connection, f"DROP TABLE IF EXISTS vectors_{old:d}")
    index_modalities(connection, generation)
    sql = "UPDATE generations SET ready = 1 + (SELECT max(ready) FROM generations) WHERE id = %s"
    connection.execute(sql, (generation,))


def index_modalities(connection: Connection, generation: int) -> None:
    """Give each modality of a generation its graph, where it has none yet."""
    text = f"SELECT DISTINCT modality FROM vectors_{generation:d}"
    for (modality,) in _run(connection, text).fetchall():
        name = f"vectors_{generation:d}_{modality}"
        _run(
            connection,
            f'CREATE INDEX IF NOT EXISTS "{name}" ON vectors_{generation:d}'
            f" USING hnsw (vector vector_ip_ops) WHERE modality = {_literal(modality)}",
        )


def _drop(connection: Connection, ids: Sequence[str]) -> int:
    return connection.execute("DELETE FROM documents WHERE id = ANY(%s)", (list(ids),)).rowcount


def _insert_document(connection: Connection, document: Document) -> int:
    sql = "INSERT INTO documents (id, caption, attributes) VALUES (%s, %s, %s) RETURNING key"
    attributes = orjson.dumps(dict(document.attributes)).decode()
    row = connection.execute(sql, (document.id, document.caption, attributes)).fetchone()
    assert row is not None
    for kind, one in document.media.items():
        sql = "INSERT INTO media VALUES (%s, %s, %s, %s)"
        connection.execute(sql, (row[0], kind, one.content_type, one.data))
    return int(row[0])


def _add_vectors(
    connection: Connection, generation: int, key: int, vectors: Mapping[str, Vector]
) -> None:
    text = f"INSERT INTO vectors_{generation:d} VALUES (%s, %s, %s)"
    for modality, vector in sorted(vectors.items()):
        _run(connection, text, (key, modality, PgVector(vector)))


def _missing(
    connection: Connection, generation: int, after: int, limit: int
) -> list[tuple[int, Document]]:
    text = (
        "SELECT d.key, d.id, d.caption, d.attributes FROM documents d WHERE d.key > %s"
        f" AND NOT EXISTS (SELECT FROM vectors_{generation:d} v WHERE v.document = d.key)"
        " ORDER BY d.key LIMIT %s"
    )
    found = _run(connection, text, (after, limit)).fetchall()
    return [(int(row[0]), _document(connection, row, media=True)) for row in found]


def _document(connection: Connection, row: Any, *, media: bool) -> Document:
    key, name, caption, attributes = row
    held: dict[str, Media] = {}
    if media:
        sql = "SELECT kind, type, data FROM media WHERE document = %s"
        held = {k: Media(t, d) for k, t, d in connection.execute(sql, (key,))}
    return Document(name, caption, attributes, held)
