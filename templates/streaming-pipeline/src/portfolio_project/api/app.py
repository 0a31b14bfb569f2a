"""Puts the routes together on the house, and keeps the served model in step with the registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from importlib.resources import files

from fastapi import FastAPI

from ..about import about
from ..registry_api import Follower, Models, models_router
from ..scorer import MODEL_FILE
from ..serving import Service, build_app
from ..serving.pages import page_router
from ..serving_model import POLL_SECONDS
from ..settings import Settings
from ..supervisor import Supervisor
from ..train import algorithm_of, gate_of
from .access import Access
from .alarms import alarms_router
from .batch import batch_router
from .decisions import decisions_router
from .demo import demo_router
from .entities import entities_router
from .events import events_router
from .explanations import explanations_router
from .feed import feed_router
from .letters import letters_router
from .proof import proof_router
from .score import score_router
from .stats import stats_router
from .trial import trial_router


def create_app(settings: Settings, supervisor: Supervisor | None = None) -> Service:
    """Return the application. With a `supervisor`, its processes live as long as the service."""
    access = Access(settings, supervisor)
    models = Models(
        registry=access.registry,
        gate=gate_of(settings),
        follow=access.follow_registry,
        kind=algorithm_of,
        file=MODEL_FILE,
        reader="read",
    )
    follower = Follower(access.follow_registry)
    routers = [
        score_router(access),
        batch_router(access),
        explanations_router(access),
        events_router(access),
        decisions_router(access),
        entities_router(access),
        letters_router(access),
        stats_router(access),
        feed_router(access),
        models_router(models),
        trial_router(access),
        alarms_router(access),
        proof_router(access),
    ]
    if supervisor is not None:
        routers.append(demo_router(supervisor, settings.drift_path))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(asyncio.create_task(follower.forever(POLL_SECONDS)).cancel)
            await follower.followed.wait()
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
