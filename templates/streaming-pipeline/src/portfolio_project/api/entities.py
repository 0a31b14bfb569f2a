"""Read what the stream knows of its entities: cards and terminals, and their windows."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ..events import DAY, UNIT
from ..features import LABEL_DELAY, Card, Terminal, latest_payments
from ..serving import Problem
from .access import Access, CardId, TerminalId
from .decisions import Decision, Reader, decision_of
from .windows import insist_on_windows

_WINDOW_DAYS = (1, 7, 30)


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


def entities_router(access: Access) -> APIRouter:
    """GET /cards/{card_id}, /terminals/{terminal_id}."""
    router = APIRouter(tags=["decisions"])

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
            decisions=[decision_of(row) for row in latest if row],
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

    return router


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
