"""What stands before the routes: who calls, how often, how many at once, and for how long."""

import asyncio

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .auth import Authenticator
from .exchange import Exchange, current_exchange
from .idempotency import Idempotency
from .lifecycle import Lifecycle
from .principal import ANONYMOUS
from .problems import MEDIA_TYPE, Problem, internal_error, send_problem, too_large
from .rate_limit import RateLimiter
from .settings import ServingSettings

_ALWAYS_OPEN = ("/health/", "/metrics")
_log = structlog.get_logger("guard")


class Guard:
    """Admits requests. Pure ASGI; event streams pass unbuffered and count on their own."""

    def __init__(
        self,
        app: ASGIApp,
        settings: ServingSettings,
        lifecycle: Lifecycle,
        authenticator: Authenticator,
        limiter: RateLimiter,
        idempotency: Idempotency,
    ) -> None:
        self.app = app
        self.lifecycle = lifecycle
        self.timeout = settings.request_timeout_seconds
        self.max_streams = settings.max_streams
        self.running = 0
        self._max_concurrency = settings.max_concurrency
        self._authenticator = authenticator
        self._limiter = limiter
        self._idempotency = idempotency

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
        turn = _Turn(self, exchange, send)
        app = self._idempotency if self._idempotency.wanted(exchange) else self.app
        await turn.run(app, scope, receive)

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

    def __init__(self, guard: Guard, exchange: Exchange, send: Send) -> None:
        self._guard = guard
        self._exchange = exchange
        self._send = send
        self._task = asyncio.current_task()
        self._cut = False  # we cancelled our own task
        self._replaced = False  # we answered in the app's stead: its own messages are dropped
        self._finished = False
        self._answer: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        guard = self._guard
        guard.running += 1
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(guard.timeout, self._expire)
        try:
            await app(scope, receive, self.send)
        except asyncio.CancelledError:
            if not self._cut:
                raise
        except Exception:
            if not self._replaced:
                await self._fail()
        finally:
            self._leave()
        if self._answer is not None:
            await self._answer
        elif self._cut and not self._finished and self._exchange.streaming:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._exchange.streaming:
            self._guard.lifecycle.stream_closed(self._end_stream)
        else:
            self._guard.running -= 1
        if self._cut and self._task is not None:
            self._task.uncancel()

    async def send(self, message: Message) -> None:
        """Pass on a message of the app, unless it was answered in its stead."""
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            content_type = _content_type(message)
            if message["status"] == 413 and content_type != MEDIA_TYPE:  # noqa: PLR2004
                # FastAPI answers in plain text where a route never looked at its body.
                await self._replace(too_large())
                return
            if content_type.startswith("text/event-stream"):
                await self._begin_stream()
                if self._replaced:
                    return
        elif not message.get("more_body", False):
            self._finished = True
        await self._send(message)

    async def _begin_stream(self) -> None:
        guard = self._guard
        if guard.lifecycle.open_streams >= guard.max_streams:
            await self._replace(_overloaded("All event streams are taken."))
            self._interrupt()
            return
        self._exchange.streaming = True
        guard.running -= 1
        if self._timer is not None:
            self._timer.cancel()
        guard.lifecycle.stream_opened(self._end_stream)

    async def _replace(self, problem: Problem) -> None:
        self._replaced = True
        await send_problem(problem, self._send)

    async def _fail(self) -> None:
        _log.exception("request_failed", method=self._exchange.method, path=self._exchange.path)
        if not self._exchange.status:
            await send_problem(internal_error(), self._send)

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
            self._answer = asyncio.ensure_future(send_problem(problem, self._send))
        self._interrupt()

    def _end_stream(self) -> None:
        self._interrupt()

    def _interrupt(self) -> None:
        if not self._cut and self._task is not None:
            self._cut = True
            self._task.cancel()


def _content_type(start: Message) -> str:
    for name, value in start.get("headers", ()):
        if name == b"content-type":
            return str(value.decode("latin-1"))
    return ""
