"""Read what the pipeline decided, about whom, and what it refused."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from ..events import DAY, UNIT
from ..features import LABEL_DELAY, Card, Terminal, latest_payments
from ..serving import Cursor, CursorCodec, Limit, Page, Principal, Problem, require_scope
from ..store import Letter, Prediction
from .access import Access, CardId, EventId, TerminalId
from .score import named
from .windows import insist_on_windows

Reader = Annotated[Principal, Depends(require_scope("read"))]
_WINDOW_DAYS = (1, 7, 30)


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


class Window(BaseModel):
    """A card's payments in the days up to its newest one."""

    days: int = Field(examples=[7])
    count: int = Field(ge=0, examples=[12])
    mean_amount: float | None = Field(description="In the currency unit", examples=[48.2])


class CardState(BaseModel):
    """What the stream knows of a card."""

    card_id: str
    last_seen: int = Field(description="Unix seconds of its newest payment")
    windows: list[Window]
    decisions: list[Decision] = Field(description="Of the last two days, newest first")


class RiskWindow(BaseModel):
    """A terminal's payments in some days that end when labels are in, and what became of them."""

    days: int = Field(examples=[7])
    count: int = Field(ge=0, examples=[40])
    frauds: int = Field(ge=0, examples=[1])


class TerminalState(BaseModel):
    """What the stream knows of a terminal."""

    terminal_id: str
    last_seen: int | None = Field(description="Unix seconds of its newest payment")
    judged_until: int = Field(description="Unix seconds; later payments may yet be reported")
    windows: list[RiskWindow]


class DeadLetter(BaseModel):
    """An event that was refused, as it came."""

    offset: int = Field(ge=1)
    topic: str = Field(examples=["transactions"])
    arrived_at: int
    reason: str = Field(examples=["breaks-contract"])
    detail: str = Field(examples=["amount_cents: Input should be greater than or equal to 0"])
    value: str = Field(description="Its bytes as text; what is no UTF-8 is replaced")


def decisions_router(access: Access) -> APIRouter:
    """GET /predictions, /predictions/{event_id}, /cards/{...}, /terminals/{...}, /dead-letters."""
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
        return Page(items=[_decision(row) for row in rows[:limit]], next_cursor=more)

    @router.get("/predictions/{event_id}", summary="One decision, with what the model saw")
    async def get_prediction(event_id: EventId, _caller: Reader) -> DetailedDecision:
        """404 while the stream has not come to it, or if it was refused."""
        row = access.view.prediction(event_id)
        if row is None:
            raise Problem(404, detail="No payment with this event_id was scored.")
        values: list[float] = np.frombuffer(row.features, dtype="<f4").tolist()
        return DetailedDecision(
            **_decision(row).model_dump(), features=named(values), fraud=access.view.label(event_id)
        )

    @router.get("/cards/{card_id}", summary="A card's windows and latest decisions")
    async def get_card(card_id: CardId, _caller: Reader) -> CardState:
        """404 for a card that was never seen, or not for longer than the windows reach."""
        insist_on_windows(access)
        card = access.view.card(card_id)
        if card is None:
            raise Problem(404, detail="No card with this id has been seen lately.")
        latest = [access.view.prediction(event_id) for event_id in latest_payments(card)]
        return CardState(
            card_id=card_id,
            last_seen=card.times[-1],
            windows=[_window(card, days) for days in _WINDOW_DAYS],
            decisions=[_decision(row) for row in latest if row],
        )

    @router.get("/terminals/{terminal_id}", summary="A terminal's windows and reported frauds")
    async def get_terminal(terminal_id: TerminalId, _caller: Reader) -> TerminalState:
        """404 for a terminal that was never seen, or not for longer than the windows reach."""
        insist_on_windows(access)
        terminal = access.view.terminal(terminal_id)
        if terminal is None:
            raise Problem(404, detail="No terminal with this id has been seen lately.")
        until = access.now() - LABEL_DELAY
        return TerminalState(
            terminal_id=terminal_id,
            last_seen=terminal.times[-1] if terminal.times else None,
            judged_until=until,
            windows=[_risk(terminal, until, days) for days in _WINDOW_DAYS],
        )

    @router.get("/dead-letters", summary="Refused events, newest first")
    async def list_dead_letters(
        _caller: Reader, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[DeadLetter]:
        """Each with the reason for which it was refused."""
        codec = CursorCodec(access.settings.pepper, "dead-letters")
        before = codec.decode(cursor) if cursor else None
        rows = access.view.letters(before=before, limit=limit + 1)
        more = codec.encode(rows[limit - 1].offset) if len(rows) > limit else None
        return Page(items=[_letter(row) for row in rows[:limit]], next_cursor=more)

    return router


def _decision(row: Prediction) -> Decision:
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


def _window(card: Card, days: int) -> Window:
    after = card.times[-1] - days * DAY
    first = sum(at <= after for at in card.times)
    count = len(card.times) - first
    total = sum(card.cents[first:])
    return Window(days=days, count=count, mean_amount=total / count / UNIT if count else None)


def _risk(terminal: Terminal, until: int, days: int) -> RiskWindow:
    after = until - days * DAY
    return RiskWindow(
        days=days,
        count=sum(after < at <= until for at in terminal.times),
        frauds=sum(after < at <= until for at, _ in terminal.frauds),
    )


def _letter(row: Letter) -> DeadLetter:
    return DeadLetter(
        offset=row.offset,
        topic=row.topic,
        arrived_at=row.arrived_at,
        reason=row.reason,
        detail=row.detail,
        value=row.value.decode(errors="replace"),
    )
