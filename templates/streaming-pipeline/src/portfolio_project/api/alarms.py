"""What the monitor has noticed: alarms, and each signal beside its limit."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ..monitors.alarms import Kept
from ..monitors.retraining import KIND
from ..serving import Cursor, CursorCodec, Limit, Page
from .access import Access
from .decisions import Reader

Kind = Literal["drift", "shift", "late", "refused", "lag", "retrain"]


class Alarm(BaseModel):
    """Something that changed, or does not arrive as it should."""

    id: int = Field(ge=1)
    model_version: str = Field(description="That served", examples=["f9d2ca31f30507be"])
    offset: int = Field(ge=0, description="Entry of the log at which it was noticed")
    at: int = Field(description="Arrival of that entry, Unix seconds")
    signal: str = Field(examples=["score", "amount", "late"])
    kind: Kind = Field(
        description="drift: changed of late (ADWIN); shift: not what the model was tested on "
        "(population stability index); late, refused, lag: rates; retrain: training is due"
    )
    value: float
    limit: float
    detail: str


class Signal(BaseModel):
    """A monitored value at the last look."""

    signal: str
    kind: Kind
    value: float
    limit: float


class Monitors(BaseModel):
    """How the stream compares with what the serving model knows."""

    watched_offset: int = Field(ge=0, description="0 while no monitor has run")
    model_version: str | None
    signals: list[Signal]
    latest: list[Alarm] = Field(description="Newest first, at most 10")
    retraining_due: bool = Field(description="Asked for since the serving model serves")


def alarms_router(access: Access) -> APIRouter:
    """GET /monitors and GET /alarms."""
    router = APIRouter(tags=["monitoring"])

    @router.get("/monitors", summary="Signals beside their limits, and the latest alarms")
    async def get_monitors(_caller: Reader) -> Monitors:
        """As of the monitor's last look; it is a process of its own (`monitor`)."""
        alarms, serving = access.alarms, access.registry.current_id()
        asked = alarms.latest(limit=1, kinds=[KIND])
        return Monitors(
            watched_offset=alarms.offset(),
            model_version=serving,
            signals=[Signal.model_validate(one) for one in _list(alarms.status().get("signals"))],
            latest=[_alarm(one) for one in alarms.latest(limit=10)],
            retraining_due=bool(asked) and asked[0].model == serving,
        )

    @router.get("/alarms", summary="Alarms, newest first")
    async def list_alarms(_caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[Alarm]:
        """Pages reach back to the first one."""
        codec = CursorCodec(access.settings.pepper, "alarms")
        before = codec.decode(cursor) if cursor else None
        rows = access.alarms.latest(before=before, limit=limit + 1)
        more = codec.encode(rows[limit - 1].id) if len(rows) > limit else None
        return Page(items=[_alarm(row) for row in rows[:limit]], next_cursor=more)

    return router


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _alarm(kept: Kept) -> Alarm:
    return Alarm(id=kept.id, model_version=kept.model, **kept.alarm._asdict())
