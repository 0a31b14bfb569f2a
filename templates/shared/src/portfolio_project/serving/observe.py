"""The outermost layer: gives a request its id, and leaves its trace in headers, log and metrics."""

from collections.abc import Sequence
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .exchange import Exchange, current_exchange
from .lifecycle import Lifecycle
from .metrics import Metrics
from .problems import internal_error, is_problem, problem_messages, too_large
from .routes import RouteTable

_QUIET = ("/health/", "/metrics")


class Observe:
    """Pure ASGI: nothing that happens within escapes it, not even an exception."""

    def __init__(
        self,
        app: ASGIApp,
        lifecycle: Lifecycle,
        routes: RouteTable,
        metrics: Metrics,
        headers: Sequence[tuple[bytes, bytes]],
    ) -> None:
        self.app = app
        self._lifecycle = lifecycle
        self._routes = routes
        self._metrics = metrics
        self._headers = headers
        self._log = structlog.get_logger("access").bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(scope)
        token = current_exchange.set(exchange)
        body_instead: Message | None = None

        async def send_observed(message: Message) -> None:
            nonlocal body_instead
            if message["type"] == "http.response.start":
                if message["status"] == 413 and not is_problem(message):
                    # FastAPI refuses a body that its route never read in plain text.
                    message, body_instead = problem_messages(too_large())
                exchange.status = message["status"]
                self._add_headers(message, exchange)
            elif body_instead is not None:
                message = body_instead
            await send(message)

        try:
            await self.app(scope, receive, send_observed)
        except Exception:  # noqa: BLE001 - the last door before the server
            self._log.exception("request_failed", method=exchange.method, path=exchange.path)
            if not exchange.status:
                for message in problem_messages(internal_error()):
                    await send_observed(message)
        finally:
            self._record(exchange, scope)
            current_exchange.reset(token)

    def _add_headers(self, start: Message, exchange: Exchange) -> None:
        headers = [
            *start.get("headers", ()),
            *self._headers,
            *exchange.answer_headers,
            (b"x-request-id", exchange.request_id.encode()),
        ]
        if self._lifecycle.draining:
            headers.append((b"connection", b"close"))  # the caller's next one goes elsewhere
        if exchange.model_version is not None:
            headers.append(
                (b"x-model-version", exchange.model_version.encode("latin-1", "replace"))
            )
        start["headers"] = headers

    def _record(self, exchange: Exchange, scope: Scope) -> None:
        seconds = perf_counter() - exchange.started
        route = self._routes.template(scope)
        timed = None if exchange.streaming else seconds
        self._metrics.count(exchange.method, route, exchange.status, timed)
        if exchange.path.startswith(_QUIET):
            return
        self._log.info(
            "request",
            method=exchange.method,
            path=exchange.path,
            route=route,
            status=exchange.status,
            duration_ms=round(seconds * 1000, 2),
            principal=exchange.principal.id if exchange.principal else None,
        )
