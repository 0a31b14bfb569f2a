"""Where Idempotency-Keys, what was asked with them and what was answered are kept."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Lock
from uuid import uuid4

import orjson

_PURGE_EVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A finished response, as it is sent again."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    model_version: str | None = None


class Refusal(Enum):
    """Why a key can't be used for this request."""

    IN_FLIGHT = "in flight"
    OTHER_REQUEST = "other request"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do the work of a key; the token tells apart a holder from its successor."""

    key: bytes
    token: str


class IdempotencyStore:
    """Keys, request hashes and answers in one SQLite file; many processes may share it.

    A holder that dies loses its lease after `lease_seconds`, and the next request with the key
    does the work. Answers are kept for `ttl_seconds`.
    """

    def __init__(self, path: Path, *, ttl_seconds: float, lease_seconds: float) -> None:
        self._path = path
        self._ttl = ttl_seconds
        self._lease = lease_seconds
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._purged = 0.0

    def begin(
        self, key: bytes, request_hash: bytes, now: float | None = None
    ) -> Lease | StoredAnswer | Refusal:
        """Take the lease on `key`, or say why not. Raises sqlite3.Error if the file fails."""
        now = time.time() if now is None else now
        with self._lock, self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            self._purge(db, now)
            row = db.execute(
                "SELECT request_hash, leased_until, status, headers, body, model_version"
                " FROM answers WHERE key = ? AND expires > ?",
                (key, now),
            ).fetchone()
            if row is not None:
                if row[0] != request_hash:
                    return Refusal.OTHER_REQUEST
                if row[2] is not None:
                    return StoredAnswer(row[2], _unpack(row[3]), row[4], row[5])
                if row[1] > now:
                    return Refusal.IN_FLIGHT
            lease = Lease(key, uuid4().hex)
            db.execute(
                "INSERT OR REPLACE INTO answers (key, request_hash, token, leased_until, expires)"
                " VALUES (?, ?, ?, ?, ?)",
                (key, request_hash, lease.token, now + self._lease, now + self._ttl),
            )
            return lease

    def finish(self, lease: Lease, answer: StoredAnswer, now: float | None = None) -> bool:
        """Keep the answer; return False if the lease has gone to somebody else, or too long ago."""
        now = time.time() if now is None else now
        with self._lock, self._open() as db:
            cursor = db.execute(
                "UPDATE answers SET status = ?, headers = ?, body = ?, model_version = ?"
                " WHERE key = ? AND token = ? AND expires > ?",
                (
                    answer.status,
                    _pack(answer.headers),
                    answer.body,
                    answer.model_version,
                    lease.key,
                    lease.token,
                    now,
                ),
            )
            return cursor.rowcount == 1

    def release(self, lease: Lease) -> None:
        """Give the key back, as if the request had never been."""
        with self._lock, self._open() as db:
            db.execute(
                "DELETE FROM answers WHERE key = ? AND token = ? AND status IS NULL",
                (lease.key, lease.token),
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=5.0, check_same_thread=False)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(
                "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, request_hash BLOB,"
                " token TEXT, leased_until REAL, expires REAL, status INTEGER, headers BLOB,"
                " body BLOB, model_version TEXT) WITHOUT ROWID"
            )
            self._connection = db
        return self._connection

    def _purge(self, db: sqlite3.Connection, now: float) -> None:
        if now - self._purged > _PURGE_EVERY_SECONDS:
            db.execute("DELETE FROM answers WHERE expires <= ?", (now,))
            self._purged = now


def _pack(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    return orjson.dumps([(k.decode("latin-1"), v.decode("latin-1")) for k, v in headers])


def _unpack(data: bytes) -> list[tuple[bytes, bytes]]:
    return [(k.encode("latin-1"), v.encode("latin-1")) for k, v in orjson.loads(data)]
