"""Live says that the process runs; ready says that it should be sent traffic."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, Field

from .lifecycle import Lifecycle, Phase
from .problems import Problem

_PATIENCE_SECONDS = 1.0
_log = structlog.get_logger("health")


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """Something that the service needs; `probe` returns False or raises while it is missing."""

    name: str
    probe: Callable[[], Awaitable[bool]]


class Health(BaseModel):
    """The process runs."""

    status: Literal["live"] = "live"


class Readiness(BaseModel):
    """The service can take traffic."""

    status: Literal["ready"] = "ready"
    checks: dict[str, Literal["ok"]] = Field(examples=[{"model": "ok"}])


def health_router(lifecycle: Lifecycle, checks: Sequence[ReadinessCheck]) -> APIRouter:
    """Return /health/live and /health/ready."""
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live", summary="Is the process alive?")
    async def live() -> Health:
        return Health()

    @router.get("/ready", summary="Should traffic be sent here?")
    async def ready() -> Readiness:
        if lifecycle.phase is not Phase.READY:
            raise _not_ready(f"The service is {lifecycle.phase.value}.", {})
        results = await asyncio.gather(*(_passes(check) for check in checks))
        outcome = dict(zip((check.name for check in checks), results, strict=True))
        if not all(results):
            states = {name: "ok" if ok else "failed" for name, ok in outcome.items()}
            raise _not_ready("A dependency is not ready.", states)
        return Readiness(checks=dict.fromkeys(outcome, "ok"))

    return router


async def _passes(check: ReadinessCheck) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await check.probe()
    except Exception as error:  # noqa: BLE001 - any failure means that it is not ready
        _log.warning("readiness_check_failed", check=check.name, error=repr(error))
        return False


def _not_ready(detail: str, checks: dict[str, str]) -> Problem:
    return Problem(
        503,
        "Not Ready",
        detail,
        type="urn:problem:not-ready",
        headers={"Retry-After": "1"},
        checks=checks,
    )
