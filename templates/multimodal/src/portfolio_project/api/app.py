"""Puts the routes together on the house, and keeps model and index in step with the registry."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from ..about import about
from ..embedder import SPEC_FILE
from ..index import open_index
from ..registry_api import Follower, Models, models_router
from ..serving import Service, build_app
from ..settings import Settings
from ..train import configuration_of, gate_of
from .access import Access
from .documents import documents_router
from .embed import embed_router
from .explain import explain_router
from .index import index_router
from .map import map_router
from .pages import pages_router
from .search import search_router

POLL_SECONDS = 0.5
START_SECONDS = 15.0


def create_app(settings: Settings) -> Service:
    """Return the application. Raises IndexUnavailableError, IndexCorruptError."""
    access = Access(settings, open_index(settings))
    models = Models(
        registry=access.registry,
        gate=gate_of(settings),
        follow=access.follow_registry,
        kind=configuration_of,
        file=SPEC_FILE,
        reader="search",
    )
    follower = Follower(access.follow_registry)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(access.index.close)
            await stack.enter_async_context(access.batcher)
            await stack.enter_async_context(access.searcher)
            stack.callback(asyncio.create_task(follower.forever(POLL_SECONDS)).cancel)
            # Where a new model has much to embed again, the service is alive, and not ready yet.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(follower.followed.wait(), START_SECONDS)
            yield

    words = about()
    app = build_app(
        settings,
        title=words["title"],
        description=words["description"],
        version=version(str(__package__).partition(".")[0]),
        routers=[
            search_router(access),
            embed_router(access),
            documents_router(access),
            explain_router(access),
            map_router(access),
            index_router(access),
            models_router(models),
        ],
        pages=pages_router(settings),
        lifespan=lifespan,
        model=access.slot,
    )
    _measure(app, access)
    return app


def _measure(app: Service, access: Access) -> None:
    gone, found = access.batcher.statistics, access.searcher.statistics
    gauge = app.metrics.gauge
    gauge("embed_inputs", "Inputs embedded", lambda: gone.inputs)
    gauge("embed_batches", "Batches they were embedded in", lambda: gone.batches)
    gauge("embed_refused", "Inputs refused, for too many waited", lambda: gone.refused)
    gauge("search_queries", "Searches of the index", lambda: found.inputs)
    gauge("search_batches", "Batches they were answered in", lambda: found.batches)
    gauge("search_refused", "Searches refused, for too many waited", lambda: found.refused)
