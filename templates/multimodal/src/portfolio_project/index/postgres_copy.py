# ruff: noqa: S608 - SQL is put together from numbers of generations
"""Between PostgreSQL and a snapshot file, which has the form of the embedded index.

So a snapshot of one engine can be restored into the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg
from pgvector import Vector as PgVector

from .store import Store

Connection = psycopg.Connection[Any]
OpenGeneration = Callable[[Connection, str, int], int]


def dump(source: Connection, path: Path) -> None:
    """Write all that a transaction sees into a new snapshot file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with closing(Store(beside)) as store, store.writing() as target:
        _copy_tables(source, target)
    with closing(sqlite3.connect(beside)) as target:
        target.execute("PRAGMA journal_mode = DELETE")
    beside.replace(path)


def _copy_tables(source: Connection, target: sqlite3.Connection) -> None:
    ((sequence,),) = source.execute("SELECT sequence FROM counter").fetchall()
    target.execute("UPDATE counter SET sequence = ?", (sequence,))
    ready = source.execute(
        "SELECT id, model, dim, ready FROM generations WHERE ready > 0"
    ).fetchall()
    target.executemany("INSERT INTO generations VALUES (?, ?, ?, ?)", ready)
    for key, name, caption, attributes in source.execute(
        "SELECT key, id, caption, attributes FROM documents ORDER BY key"
    ):
        text = orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS).decode()
        target.execute("INSERT INTO documents VALUES (?, ?, ?, ?)", (key, name, caption, text))
        rows = [(key, *pair) for pair in attributes.items()]
        target.executemany("INSERT INTO attributes VALUES (?, ?, ?)", rows)
    for row in source.execute("SELECT document, kind, type, data FROM media"):
        target.execute("INSERT INTO media VALUES (?, ?, ?, ?)", row)
    for generation, *_ in ready:
        text = f"SELECT document, modality, vector FROM vectors_{generation:d} ORDER BY 1, 2"
        for document, modality, vector in source.execute(text.encode()):
            data = vector.to_numpy().astype(np.float32).tobytes()
            target.execute(
                "INSERT INTO vectors (generation, document, modality, vector) VALUES (?, ?, ?, ?)",
                (generation, document, modality, data),
            )


def load(source: sqlite3.Connection, target: Connection, open_generation: OpenGeneration) -> None:
    """Replace everything within a transaction by what a snapshot holds."""
    target.execute("TRUNCATE documents CASCADE")
    for (old,) in target.execute("DELETE FROM generations RETURNING id").fetchall():
        target.execute(f"DROP TABLE IF EXISTS vectors_{old:d}".encode())
    keys: dict[int, int] = {}
    for key, name, caption, attributes in source.execute("SELECT * FROM documents ORDER BY key"):
        sql = "INSERT INTO documents (id, caption, attributes) VALUES (%s, %s, %s) RETURNING key"
        ((keys[key],),) = target.execute(sql, (name, caption, attributes)).fetchall()
    for document, kind, content_type, data in source.execute("SELECT * FROM media"):
        sql = "INSERT INTO media VALUES (%s, %s, %s, %s)"
        target.execute(sql, (keys[document], kind, content_type, data))
    sql = "SELECT id, model, dim, ready FROM generations WHERE ready ORDER BY id"
    for generation, model, dim, ready in source.execute(sql).fetchall():
        made = open_generation(target, model, dim)
        sql = "SELECT document, modality, vector FROM vectors WHERE generation = ?"
        text = f"INSERT INTO vectors_{made:d} VALUES (%s, %s, %s)".encode()
        for document, modality, data in source.execute(sql, (generation,)):
            vector = PgVector(np.frombuffer(data, np.float32))
            target.execute(text, (keys[document], modality, vector))
        target.execute("UPDATE generations SET ready = %s WHERE id = %s", (ready, made))
