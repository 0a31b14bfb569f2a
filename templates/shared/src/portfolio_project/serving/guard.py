"""What stands before the routes: who calls, how often, how many at once, and for how long."""

import asyncio

import anyio
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .auth import Authenticator
from .exchange import Exchange, current_exchange
from .idempotency import Idempotency
from .idempotency_store import IdempotencyStore
from .lifecycle import Lifecycle
from .principal import ANONYMOUS
from .problems import Problem, internal_error, send_problem
from .rate_limit import RateLimiter
from .settings import ServingSettings

_ALWAYS_OPEN = ("/health/", "/metrics")
_log = structlog.get_logger("guard")


class Guard:
    """Admits requests. Pure ASGI; event streams pass unbuffered and are counted on their own."""

    def __init__(
        self,
        app: ASGIApp,
        settings: ServingSettings,
        lifecycle: Lifecycle,
        store: IdempotencyStore,
    ) -> None:
        self.app = app
        self.lifecycle = lifecycle
        self.timeout = settings.request_timeout_seconds
        self.max_streams = settings.max_streams
        self.running = 0
        self._grace = settings.idempotency_lease_seconds - settings.request_timeout_seconds
        self._max_concurrency = settings.max_concurrency
        self._authenticator = Authenticator(settings.api_keys, settings.pepper)
        self._limiter = RateLimiter(settings.rate_limit, settings.rate_limit_storage)
        self._idempotency = Idempotency(app, store, settings.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or answer with the problem that keeps it out."""
        exchange = current_exchange.get()
        if exchange is None or scope["type"] != "http" or exchange.path.startswith(_ALWAYS_OPEN):
            await self.app(scope, receive, send)
            return
        exchange.principal = self._authenticator.identify(exchange)
        refusal = await self._refuse(exchange, scope)
        if refusal is not None:
            await send_problem(refusal, send)
            return
        if self._idempotency.wanted(exchange):
            # A write with a key works on after its deadline: a retry gets its answer.
            turn = _Turn(self, exchange, send, grace=self._grace)
            await turn.run(self._idempotency, scope, receive)
        else:
            await _Turn(self, exchange, send).run(self.app, scope, receive)

    async def _refuse(self, exchange: Exchange, scope: Scope) -> Problem | None:
        if exchange.path.startswith("/v1/") and exchange.method != "OPTIONS":
            problem = await self._limiter.admit(_caller(exchange, scope), exchange)
            if problem is not None:
                return problem
        if self.running >= self._max_concurrency:
            return _overloaded("The service is at its limit of concurrent requests.")
        return None


def _caller(exchange: Exchange, scope: Scope) -> str:
    principal = exchange.principal
    if principal is None or principal is ANONYMOUS:
        client = scope.get("client")
        return f"address:{client[0] if client else 'unknown'}"
    return f"owner:{principal.id}"


def _overloaded(detail: str) -> Problem:
    return Problem(
        503,
        detail=f"{detail} Try again shortly.",
        type="urn:problem:overloaded",
        headers={"Retry-After": "1"},
    )


class _Turn:
    """One admitted request: it holds a place, has a deadline, and can be cut short."""

    def __init__(self, guard: Guard, exchange: Exchange, send: Send, grace: float = 0.0) -> None:
        self._guard = guard
        self._grace = grace
        self._exchange = exchange
        self._send = send
        # Anyio's cancellation waits for a thread that works for the route, so a place or an
        # idempotency key is never given away while a write still runs.
        self._cancel = anyio.CancelScope()
        self._timer = asyncio.get_running_loop().call_later(guard.timeout, self._expire)
        self._replaced = False  # we answer in the app's stead: its own messages are dropped
        self._finished = False
        self._late_answer: asyncio.Task[None] | None = None

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        """Let the app answer; what it raises ends here."""
        self._guard.running += 1
        try:
            with self._cancel:
                await app(scope, receive, self.send)
        except asyncio.CancelledError:
            if not self._guard.lifecycle.draining:
                raise
            await self._be_cut_off()
        except Exception as error:  # noqa: BLE001 - the last door before the caller
            if not self._replaced:
                await self._fail(error)
        finally:
            self._leave()
        if self._late_answer is not None:
            await self._late_answer
        elif self._cancel.cancelled_caught and self._exchange.streaming and not self._finished:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(self, message: Message) -> None:
        """Pass a message of the app on, unless it was answered in its stead."""
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            if _is_event_stream(message) and not self._become_stream():
                self._replaced = True
                await send_problem(_overloaded("All event streams are taken."), self._send)
                self._cancel.cancel()
                return
        elif not message.get("more_body", False):
            self._finished = True
        await self._send(message)

    def _become_stream(self) -> bool:
        """Give the place back and take a stream's, without a deadline. False if all are taken."""
        guard = self._guard
        if guard.lifecycle.open_streams >= guard.max_streams:
            return False
        self._exchange.streaming = True
        guard.running -= 1
        self._timer.cancel()
        guard.lifecycle.stream_opened(self._cancel.cancel)
        return True

    def _leave(self) -> None:
        self._timer.cancel()
        if self._exchange.streaming:
            self._guard.lifecycle.stream_closed(self._cancel.cancel)
        else:
            self._guard.running -= 1

    async def _fail(self, error: Exception) -> None:
        exchange = self._exchange
        _log.error("request_failed", method=exchange.method, path=exchange.path, exc_info=error)
        if not exchange.status:
            await send_problem(internal_error(), self._send)

    async def _be_cut_off(self) -> None:
        """Say goodbye where the server's patience with a drain has ended."""
        self._guard.lifecycle.cut_off += 1
        if not self._exchange.status:
            await send_problem(_overloaded("The service had to stop."), self._send)

    def _expire(self) -> None:
        """Answer for a route that takes too long, at once, even while a thread still works."""
        if self._finished:
            return
        if not self._exchange.status:
            self._replaced = True
            problem = Problem(
                504,
                detail=f"No answer within {self._guard.timeout:g} s.",
                type="urn:problem:timeout",
            )
            self._late_answer = asyncio.ensure_future(send_problem(problem, self._send))
        if self._grace:
            self._timer = asyncio.get_running_loop().call_later(self._grace, self._cancel.cancel)
        else:
            self._cancel.cancel()


def _is_event_stream(start: Message) -> bool:
    return any(
        name == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in start.get("headers", ())
    )
