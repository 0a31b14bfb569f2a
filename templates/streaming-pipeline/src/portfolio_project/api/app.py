"""Puts the routes together on the house, and keeps the served model in step with the registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from importlib.resources import files

import structlog
from fastapi import FastAPI

from ..about import about
from ..serving import Service, build_app
from ..serving.pages import page_router
from ..serving_model import POLL_SECONDS
from ..settings import Settings
from ..supervisor import Supervisor
from .access import Access, ModelUnavailableError
from .alarms import alarms_router
from .batch import batch_router
from .decisions import decisions_router
from .demo import demo_router
from .events import events_router
from .explanations import explanations_router
from .feed import feed_router
from .models import models_router
from .proof import proof_router
from .score import score_router
from .stats import stats_router
from .trial import trial_router

_log = structlog.get_logger("api")


def create_app(settings: Settings, supervisor: Supervisor | None = None) -> Service:
    """Return the application. With a `supervisor`, its processes live as long as the service."""
    access = Access(settings, supervisor)
    routers = [
        score_router(access),
        batch_router(access),
        explanations_router(access),
        events_router(access),
        decisions_router(access),
        stats_router(access),
        feed_router(access),
        models_router(access),
        trial_router(access),
        alarms_router(access),
        proof_router(access),
    ]
    if supervisor is not None:
        routers.append(demo_router(supervisor, settings.drift_path))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            await asyncio.to_thread(_follow, access)
            follower = asyncio.create_task(_keep_following(access))
            stack.callback(follower.cancel)
            if supervisor is not None:
                await stack.enter_async_context(supervisor)
            yield

    words = about()
    return build_app(
        settings,
        title=words["title"],
        description=words["description"],
        version=version(str(__package__).partition(".")[0]),
        routers=routers,
        pages=page_router(files(str(__package__).rpartition(".")[0]) / "page"),
        lifespan=lifespan,
        model=access.slot,
    )


async def _keep_following(access: Access) -> None:
    told = ""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        told = await asyncio.to_thread(_follow, access, told)


def _follow(access: Access, told: str = "") -> str:
    """Follow the registry; returns why that failed, which is logged unless it was `told`."""
    try:
        access.follow_registry()
    except ModelUnavailableError as error:
        reason = str(error)
        if reason != told:
            _log.warning("model_not_loaded", reason=reason)
        return reason
    return ""
