"""The live feed: decisions and counters as server-sent events, resumable where it broke off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable
from typing import Annotated

import orjson
from fastapi import APIRouter, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from ..store import Prediction
from .access import Access
from .decisions import Reader
from .stats import encoded

_TICK_SECONDS = 0.2
_STATS_EVERY = 0.5
_BATCH = 200
MAX_OFFSET = 2**63 - 1


def feed_router(access: Access) -> APIRouter:
    """GET /stream."""
    router = APIRouter(tags=["stream"])

    @router.get(
        "/stream", summary="Live feed of decisions and counters", response_class=EventSourceResponse
    )
    async def stream(
        _caller: Reader,
        last_event_id: Annotated[
            int | None,
            Header(ge=0, le=MAX_OFFSET, description="Resume behind this offset; else from now"),
        ] = None,
    ) -> AsyncIterable[ServerSentEvent]:
        """Events named `decisions` (a list; the id is the last one's offset) and `stats`.

        A feed ends after a few minutes. A client that reconnects with `Last-Event-ID`, as browsers
        do, misses nothing and sees nothing twice.
        """
        offset = access.view.newest() if last_event_id is None else last_event_id
        ends = time.monotonic() + access.settings.feed_seconds
        stats_due = 0.0
        while (now := time.monotonic()) < ends:
            if now >= stats_due:
                stats_due = now + _STATS_EVERY
                yield ServerSentEvent(event="stats", raw_data=encoded(access))
            rows = access.view.predictions_after(offset, _BATCH)
            if rows:
                offset = rows[-1].offset
                data = orjson.dumps([_compact(row) for row in rows]).decode()
                yield ServerSentEvent(event="decisions", raw_data=data, id=str(offset))
            if len(rows) < _BATCH:
                await asyncio.sleep(_TICK_SECONDS)

    return router


def _compact(row: Prediction) -> dict[str, object]:
    return {
        "offset": row.offset,
        "event_id": row.event_id,
        "card_id": row.card_id,
        "terminal_id": row.terminal_id,
        "occurred_at": row.occurred_at,
        "arrived_at": row.arrived_at,
        "amount_cents": row.amount_cents,
        "score": round(row.score, 6),
        "alert": bool(row.alert),
        "model_version": row.model_version,
    }
