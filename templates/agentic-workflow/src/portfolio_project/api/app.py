"""Puts the routes together on the house, and keeps workers and queue in step with the records."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

import structlog
from fastapi import FastAPI, Request, Response

from ..about import about
from ..policy_model.registered import registered_model
from ..policy_model.wire import wire_router
from ..serving import Problem, ReadinessCheck, Service, ServingSettings, build_app
from ..serving.settings import PREFIX
from ..settings import Settings
from ..supervisor import Child, Supervisor
from ..workflow.sweep import sweep
from ..world.engine import reading
from ..world.patience import AWAY
from .access import Access
from .approvals import approvals_router
from .company import company_router
from .pages import pages_router
from .tickets import tickets_router

_SWEEP_SECONDS = 2.0
_log = structlog.get_logger("api")


def create_app(settings: Settings) -> Service:
    """Return the application; `settings.workers` processes work tickets as long as it serves."""
    access = Access(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            await asyncio.to_thread(access.open)
            stack.callback(access.close)
            await asyncio.to_thread(_follow, access)
            keeper = asyncio.create_task(_keep(access))
            stack.callback(keeper.cancel)
            if settings.workers:
                await stack.enter_async_context(_workers(settings))
            yield

    words = about()
    app = build_app(
        settings,
        title=words["title"],
        description=words["description"],
        version=version(str(__package__).partition(".")[0]),
        routers=[
            tickets_router(access),
            approvals_router(access),
            company_router(access),
            wire_router(access.slot),
        ],
        pages=pages_router(access),
        lifespan=lifespan,
        readiness=[ReadinessCheck("records", access.reached)],
        model=access.slot,
    )
    access.watch.tell(app.metrics)
    for error in AWAY:
        app.add_exception_handler(error, _on_away)
    return app


async def _on_away(_request: Request, error: Exception) -> Response:
    _log.warning("records_away", error=repr(error))
    return Problem(
        503,
        detail="The records can't be reached just now. Try again, with the same Idempotency-Key.",
        type="urn:problem:records-away",
        headers={"Retry-After": "1"},
    ).response()


def _workers(settings: Settings) -> Supervisor:
    names = [f"worker-{number + 1}" for number in range(settings.workers)]
    children = [Child(name, ("work", f"--name={name}", "--follow-parent")) for name in names]
    # What the desk itself is told by is inherited; what was set in code is handed on. A secret is
    # never set in code.
    own = Settings.model_fields.keys() - ServingSettings.model_fields.keys() - {"model_api_key"}
    given = settings.model_dump(mode="json", exclude_none=True, include=own)
    environment = {f"{PREFIX}{name.upper()}": str(value) for name, value in given.items()}
    environment[f"{PREFIX}DATA_DIR"] = str(settings.data_dir.resolve())
    return Supervisor(children, environment)


async def _keep(access: Access) -> None:
    """Hand on what a crash left between records and queue, and follow the registry."""
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        try:
            await asyncio.to_thread(_follow, access)
            await asyncio.to_thread(sweep, access.engine, access.dispatcher)
        except Exception as error:  # noqa: BLE001 - a database that is away comes back
            _log.warning("sweep_failed", error=repr(error))


def _follow(access: Access) -> None:
    serving = access.registry.current_id()
    if serving is not None and not (access.slot.loaded and access.slot.current.version == serving):
        access.slot.swap(*registered_model(access.settings))
    # A hosted model promised nothing, so there is nothing to hold it to.
    if access.slot.loaded and access.settings.model == "local":
        served = access.slot.current
        with reading(access.engine) as connection:
            access.watch.look(connection, served.version, served.model.threshold)
