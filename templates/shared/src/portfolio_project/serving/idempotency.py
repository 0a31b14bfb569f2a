"""Idempotency-Key: a write that is sent twice happens once, and answers the same both times."""

import hashlib
import re
import sqlite3
from collections.abc import Callable

import structlog
from anyio import CancelScope
from anyio.to_thread import run_sync
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .exchange import Exchange, current_exchange
from .idempotency_store import IdempotencyStore, Lease, Refusal, StoredAnswer
from .principal import ANONYMOUS
from .problems import Problem, send_problem, too_large

KEY_PATTERN = r"^[\x21-\x7e]{1,255}$"
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_acceptable_key = re.compile(KEY_PATTERN.encode()).fullmatch
# These answers say that the write was not tried, so the key stays free for a corrected request.
_NOT_KEPT = frozenset({401, 403, 405, 408, 413, 415, 422, 429})
_log = structlog.get_logger("idempotency")


class Idempotency:
    """Pure ASGI layer for writes that carry an Idempotency-Key.

    The answer is stored before it is sent, so whoever has seen an answer will see it again. A
    crash between the work and the store means that a retry repeats the work once the lease has
    ended: where that matters, let the work itself be safe to repeat.
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
                await self._quietly(lambda: self._store.release(begun))
        await recorder.deliver()

    async def _begin(self, exchange: Exchange, scope: Scope, body: bytes) -> Lease | StoredAnswer:
        key = exchange.headers[b"idempotency-key"]
        if not _acceptable_key(key):
            raise Problem(400, detail="Idempotency-Key must be 1 to 255 visible ASCII characters.")
        principal = exchange.principal or ANONYMOUS
        name = (principal.id.encode(), exchange.method.encode(), exchange.path.encode(), key)
        kind = exchange.headers.get(b"content-type", b"")
        request_hash = _hash(scope.get("query_string", b""), kind, body)
        try:
            begun = await run_sync(self._store.begin, _hash(*name), request_hash)
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
        return begun

    async def _keep(self, lease: Lease, recorder: "_Recorder", exchange: Exchange) -> bool:
        status = recorder.status
        if recorder.streaming or not 200 <= status < 500 or status in _NOT_KEPT:
            return False
        answer = StoredAnswer(
            status, recorder.headers, bytes(recorder.body), exchange.model_version
        )
        await self._quietly(lambda: self._store.finish(lease, answer))
        return True

    async def _quietly(self, action: Callable[[], object]) -> None:
        try:
            with CancelScope(shield=True):
                await run_sync(action)
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
