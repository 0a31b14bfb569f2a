"""Puts the service together: FastAPI in the middle, two pure ASGI layers around it."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import problems
from .docs import Docs
from .guard import Guard
from .headers import Cors, security_headers
from .health import ReadinessCheck, health_router
from .idempotency_store import IdempotencyStore
from .lifecycle import Lifecycle
from .logs import configure_logging
from .metrics import Metrics
from .model_slot import ModelSlot
from .observe import Observe
from .openapi import complete_openapi, contact_and_licence, operation_id
from .routes import RouteTable
from .settings import ServingSettings
from .telemetry import configure_telemetry

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class Service(FastAPI):
    """A FastAPI application inside the serving layers.

    The order from the outside in: Observe (id, log, metrics, headers), CORS, Guard (key, limits,
    deadline, idempotency), FastAPI.
    """

    def __init__(
        self, settings: ServingSettings, telemetry: TelemetryConfig, **options: Any
    ) -> None:
        self.settings = settings
        self.lifecycle = Lifecycle()
        self.table = RouteTable(lambda: self.routes)
        self.metrics = Metrics()
        self.store = IdempotencyStore(
            settings.data_dir / "idempotency.db",
            ttl_seconds=settings.idempotency_ttl_seconds,
            lease_seconds=settings.idempotency_lease_seconds,
        )
        super().__init__(telemetry=telemetry, **options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; a start that fails is told in one line instead of a traceback."""
        if scope["type"] == "lifespan":
            send = _with_short_failure(send)
        await super().__call__(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap FastAPI's own stack, so that its last-resort answers pass our layers too."""
        settings = self.settings
        inner = super().build_middleware_stack()
        guard = Guard(inner, settings, self.lifecycle, self.store)
        self.metrics.gauge("http_requests_running", "Requests in work", lambda: guard.running)
        self.metrics.gauge(
            "http_streams_open", "Open event streams", lambda: self.lifecycle.open_streams
        )
        outer = Cors(guard, settings) if settings.cors_origins else guard
        headers = security_headers(settings)
        return Observe(outer, self.lifecycle, self.table, self.metrics, headers)


def build_app(  # noqa: PLR0913 - each by its name
    settings: ServingSettings,
    *,
    title: str,
    description: str,
    version: str,
    routers: Sequence[APIRouter],
    pages: APIRouter | None = None,
    lifespan: Lifespan | None = None,
    readiness: Sequence[ReadinessCheck] = (),
    model: ModelSlot[Any] | None = None,
) -> Service:
    """Return the application.

    `routers` are mounted under /v1, `pages` at the root. `lifespan` runs before the service is
    ready (load and warm the model there) and after it has drained. With `model`, the service is
    ready only while the slot holds one. Raises BadSettings for what can't be switched on.
    """
    configure_logging(settings)
    telemetry, flush = configure_telemetry(settings, title, version)

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncGenerator[None]:
        async with (lifespan or _nothing)(app):
            service.lifecycle.started()
            yield
        service.store.close()
        flush()

    service = Service(
        settings,
        telemetry,
        title=title,
        description=description,
        version=version,
        lifespan=run,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        servers=[{"url": "/", "description": "This service"}],
        generate_unique_id_function=operation_id,
        **contact_and_licence(),
    )
    complete_openapi(service, keys_needed=bool(settings.api_keys))
    problems.install(service)
    checks = list(readiness)
    if model is not None:
        service.metrics.watch_model(model)
        checks.append(ReadinessCheck("model", _loaded(model)))
    # FastAPI tries routes in their order: what is called most comes first.
    for router in routers:
        service.include_router(router, prefix="/v1", max_body_size=settings.max_body_bytes)
    service.include_router(health_router(service.lifecycle, checks))
    service.add_route("/metrics", service.metrics.endpoint, include_in_schema=False)
    docs = Docs(service.openapi)
    service.add_route("/docs", docs.page, include_in_schema=False)
    service.add_route("/docs/style.css", docs.style, include_in_schema=False)
    if pages is not None:
        service.include_router(pages, include_in_schema=False)
    return service


def _with_short_failure(send: Send) -> Send:
    async def send_shortened(message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            reason = message.get("message", "").strip().rpartition("\n")[2]
            message = {"type": message["type"], "message": f"The service can't start: {reason}"}
        await send(message)

    return send_shortened


@asynccontextmanager
async def _nothing(_app: FastAPI) -> AsyncGenerator[None]:
    yield


def _loaded(model: ModelSlot[Any]) -> Callable[[], Any]:
    async def probe() -> bool:
        return model.loaded

    return probe
