"""How the stream stands: what came in, what came out, and whether the books balance."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field

from .access import Access
from .decisions import Reader


class Counts(BaseModel):
    """What became of the log's entries so far."""

    predictions: int = Field(ge=0)
    alerts: int = Field(ge=0, description="Of the predictions")
    late: int = Field(ge=0, description="Of the predictions: arrived over a minute late")
    duplicates: int = Field(ge=0)
    labels: int = Field(ge=0)
    dead_letters: int = Field(ge=0)


class Serving(BaseModel):
    """The model that answers."""

    version: str
    algorithm: str
    threshold: float


class WorkerStatus(BaseModel):
    """The supervised worker process."""

    running: bool
    kills: int = Field(ge=0, description="By the button on the page")
    restarts: int = Field(ge=0)


class Stats(BaseModel):
    """One moment of the stream."""

    processed_offset: int = Field(ge=0)
    log_end: int = Field(ge=0)
    lag: int = Field(ge=0, description="Log entries that wait to be processed")
    balanced: bool = Field(description="Whether every processed entry was counted exactly once")
    stream_time: int | None = Field(description="Arrival of the newest event, Unix seconds")
    counts: Counts
    dead_letters_by_reason: dict[str, int]
    sent: dict[str, int] = Field(description="What the simulator says it has sent, by kind")
    model: Serving | None
    worker: WorkerStatus | None = Field(description="Null where no worker is supervised here")


def stats_router(access: Access) -> APIRouter:
    """GET /stats."""
    router = APIRouter(tags=["stream"])

    @router.get("/stats", summary="Counters, lag and whether the books balance")
    async def get_stats(_caller: Reader) -> Stats:
        """All counters are as of one commit of the stream processor."""
        return collect(access)

    return router


def collect(access: Access) -> Stats:
    """Read the stream's standing now."""
    counters = access.view.counters()
    totals = asdict(counters)
    offset: int = totals.pop("offset")
    counts = Counts(**totals)
    accounted = counts.predictions + counts.duplicates + counts.labels + counts.dead_letters
    log_end = access.log.end()
    return Stats(
        processed_offset=offset,
        log_end=log_end,
        lag=max(0, log_end - offset),
        balanced=accounted == offset,
        stream_time=access.log.latest_arrival(),
        counts=counts,
        dead_letters_by_reason=access.view.letters_by_reason(),
        sent=access.log.sent(),
        model=_serving(access),
        worker=_worker(access),
    )


def _serving(access: Access) -> Serving | None:
    if not access.slot.loaded:
        return None
    served = access.slot.current
    return Serving(
        version=served.version,
        algorithm=served.model.spec.algorithm,
        threshold=served.model.threshold,
    )


def _worker(access: Access) -> WorkerStatus | None:
    if access.supervisor is None:
        return None
    child = access.supervisor.children["worker"]
    return WorkerStatus(running=child.pid is not None, kills=child.kills, restarts=child.restarts)


def encoded(access: Access) -> str:
    """The standing as JSON, for the live feed."""
    return orjson.dumps(collect(access).model_dump()).decode()
