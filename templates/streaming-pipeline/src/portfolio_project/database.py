"""How this project opens SQLite: write-ahead log, readers that never block, one waiting writer."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_WAIT_MS = 10_000
_CHECKPOINT_PAGES = 4_000
"""Of 4 KiB; a page that is written often goes into the file once for so many in the log."""


def connect(path: Path, schema: str, *, durable: bool) -> sqlite3.Connection:
    """Open (and if need be create) the database at `path` with the tables of `schema`.

    A `durable` database syncs to disk at each commit, so that what was acknowledged survives a
    power cut; the other kind survives a killed process, and is whole after a power cut. The
    connection may be used from any thread, by one at a time. Raises `sqlite3.OperationalError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute("PRAGMA cache_size = -32000")  # KiB, taken as pages are used
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    connection.executescript(schema)
    return connection


@contextmanager
def writing(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """All or nothing: what is written inside is committed at the end, or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def reading(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """Several reads that see one and the same moment."""
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.execute("COMMIT")
