"""Read what the pipeline decided, and what the model saw."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from ..serving import Cursor, CursorCodec, Limit, Page, Principal, Problem, require_scope
from ..store import Prediction
from .access import Access, EventId
from .score import named

Reader = Annotated[Principal, Depends(require_scope("read"))]


class Decision(BaseModel):
    """One scored payment."""

    offset: int = Field(ge=1, description="Its place in the log")
    event_id: str = Field(examples=["tx-1024"])
    card_id: str = Field(examples=["card-7"])
    terminal_id: str = Field(examples=["term-31"])
    occurred_at: int = Field(description="Unix seconds", examples=[1_532_520_000])
    arrived_at: int = Field(description="Unix seconds", examples=[1_532_520_004])
    amount_cents: int = Field(ge=0, examples=[5716])
    score: float = Field(ge=0, le=1, examples=[0.0123])
    alert: bool
    model_version: str = Field(examples=["f9d2ca31f30507be"])


class DetailedDecision(Decision):
    """One scored payment with what the model saw, and the truth if it is known."""

    features: dict[str, float]
    fraud: bool | None = Field(description="What was reported since; null if nothing was")


def decisions_router(access: Access) -> APIRouter:
    """GET /predictions, /predictions/{event_id}."""
    router = APIRouter(tags=["decisions"])

    @router.get("/predictions", summary="Recent decisions, newest first")
    async def list_predictions(
        _caller: Reader,
        limit: Limit = 50,
        cursor: Cursor = None,
        *,
        alerts_only: Annotated[bool, Query(description="Only alerts")] = False,
    ) -> Page[Decision]:
        """Pages reach back to the first decision; new ones do not shift them."""
        codec = CursorCodec(access.settings.pepper, f"predictions:{alerts_only}")
        before = codec.decode(cursor) if cursor else None
        rows = access.view.predictions(before=before, limit=limit + 1, alerts_only=alerts_only)
        more = codec.encode(rows[limit - 1].offset) if len(rows) > limit else None
        return Page(items=[decision_of(row) for row in rows[:limit]], next_cursor=more)

    @router.get("/predictions/{event_id}", summary="One decision, with what the model saw")
    async def get_prediction(event_id: EventId, _caller: Reader) -> DetailedDecision:
        """404 while the stream has not come to it, or if it was refused."""
        row = access.view.prediction(event_id)
        if row is None:
            raise Problem(404, detail="No payment with this event_id was scored.")
        values: list[float] = np.frombuffer(row.features, dtype="<f4").tolist()
        return DetailedDecision(
            **decision_of(row).model_dump(),
            features=named(values),
            fraud=access.view.label(event_id),
        )

    return router


def decision_of(row: Prediction) -> Decision:
    """A decision of the store, as the API tells it."""
    return Decision(
        offset=row.offset,
        event_id=row.event_id,
        card_id=row.card_id,
        terminal_id=row.terminal_id,
        occurred_at=row.occurred_at,
        arrived_at=row.arrived_at,
        amount_cents=row.amount_cents,
        score=row.score,
        alert=bool(row.alert),
        model_version=row.model_version,
    )
