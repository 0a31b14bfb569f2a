"""Idempotency-Key: a write that is sent twice happens once, and answers the same both times."""

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .exchange import Exchange, current_exchange
from .principal import ANONYMOUS
from .problems import Problem, send_problem, too_large

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_MAX_KEY = 255
# These answers say that the write was not tried, so the key stays free for a corrected request.
_NOT_KEPT = frozenset({401, 403, 405, 408, 413, 415, 422, 429})
_log = structlog.get_logger("idempotency")


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

    def finish(self, lease: Lease, answer: StoredAnswer) -> bool:
        """Keep the answer; return False if the lease has meanwhile gone to somebody else."""
        with self._lock, self._open() as db:
            cursor = db.execute(
                "UPDATE answers SET status = ?, headers = ?, body = ?, model_version = ?"
                " WHERE key = ? AND token = ?",
                (
                    answer.status,
                    _pack(answer.headers),
                    answer.body,
                    answer.model_version,
                    lease.key,
                    lease.token,
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
        if now - self._purged > 60:  # noqa: PLR2004 - seconds
            db.execute("DELETE FROM answers WHERE expires <= ?", (now,))
            self._purged = now


def _pack(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    return orjson.dumps([(k.decode("latin-1"), v.decode("latin-1")) for k, v in headers])


def _unpack(data: bytes) -> list[tuple[bytes, bytes]]:
    return [(k.encode("latin-1"), v.encode("latin-1")) for k, v in orjson.loads(data)]


class Idempotency:
    """Pure ASGI layer for writes that carry an Idempotency-Key.

    The answer is stored before it is sent, so whoever has seen an answer will see it again. A
    crash between the work and the store repeats the work after the lease: make the work itself
    safe to repeat where that matters.
    """

    def __init__(self, app: ASGIApp, store: IdempotencyStore, max_body_bytes: int) -> None:
        self.app = app
        self._store = store
        self._max_body = max_body_bytes

    def wanted(self, exchange: Exchange) -> bool:
        """Say whether this request asks for it; a caller without a valid key gets no place."""
        return (
            exchange.method in _WRITES
            and b"idempotency-key" in exchange.headers
            and exchange.principal is not None
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one write at most once."""
        exchange = current_exchange.get()
        assert exchange is not None
        try:
            body = await _read_body(receive, self._max_body)
            begun = await self._begin(exchange, scope, body)
        except Problem as problem:
            await send_problem(problem, send)
            return
        if isinstance(begun, StoredAnswer):
            await _replay(begun, exchange, send)
            return
        recorder = _Recorder(send)
        kept = False
        try:
            await self.app(scope, _once(body, receive), recorder.send)
            kept = await self._keep(begun, recorder, exchange)
        finally:
            if not kept:
                await self._quietly(self._store.release, begun)
        await recorder.deliver()

    async def _begin(self, exchange: Exchange, scope: Scope, body: bytes) -> Lease | StoredAnswer:
        key = exchange.headers[b"idempotency-key"]
        if not 1 <= len(key) <= _MAX_KEY or not key.isascii():
            raise Problem(400, detail="Idempotency-Key must be 1 to 255 ASCII characters.")
        principal = exchange.principal or ANONYMOUS
        name = (principal.id.encode(), exchange.method.encode(), exchange.path.encode(), key)
        kind = exchange.headers.get(b"content-type", b"")
        request_hash = _hash(scope.get("query_string", b""), kind, body)
        try:
            begun = await asyncio.to_thread(self._store.begin, _hash(*name), request_hash)
        except (sqlite3.Error, OSError) as error:
            _log.exception("idempotency_store_failed")
            raise Problem(
                503,
                detail="The store of idempotency keys failed; nothing was done. Try again.",
                headers={"Retry-After": "1"},
            ) from error
        if begun is Refusal.IN_FLIGHT:
            raise Problem(
                409,
                detail="A request with this Idempotency-Key is still being answered.",
                type="urn:problem:idempotency-in-flight",
                headers={"Retry-After": "1"},
            )
        if begun is Refusal.OTHER_REQUEST:
            raise Problem(
                422,
                detail="This Idempotency-Key came with another request. Use a new key.",
                type="urn:problem:idempotency-key-reused",
            )
        assert isinstance(begun, Lease | StoredAnswer)
        return begun

    async def _keep(self, lease: Lease, recorder: "_Recorder", exchange: Exchange) -> bool:
        status = recorder.status
        if recorder.streaming or not 200 <= status < 500 or status in _NOT_KEPT:  # noqa: PLR2004
            return False
        answer = StoredAnswer(
            status, recorder.headers, bytes(recorder.body), exchange.model_version
        )
        await self._quietly(self._store.finish, lease, answer)
        return True

    async def _quietly(self, action: Any, *arguments: Any) -> None:
        try:
            await asyncio.to_thread(action, *arguments)
        except (sqlite3.Error, OSError):
            # The work is done and its answer must go out; the lease ends by itself.
            _log.exception("idempotency_store_failed")


class _Recorder:
    """Holds a response back until it is stored; an event stream passes straight through."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []
        self.streaming = False
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
            kind = dict(self.headers).get(b"content-type", b"")
            self.streaming = kind.startswith(b"text/event-stream")
        elif not self.streaming:
            self.body += message.get("body", b"")
        if self.streaming:
            await self._send(message)
        else:
            self._messages.append(message)

    async def deliver(self) -> None:
        for message in self._messages:
            await self._send(message)


async def _replay(answer: StoredAnswer, exchange: Exchange, send: Send) -> None:
    exchange.model_version = answer.model_version
    headers = [*answer.headers, (b"idempotency-replayed", b"true")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _read_body(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, detail="The request ended before its body did.")
        body += message.get("body", b"")
        if len(body) > limit:
            raise too_large()
        if not message.get("more_body", False):
            return bytes(body)


def _once(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay_receive() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay_receive


def _hash(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
