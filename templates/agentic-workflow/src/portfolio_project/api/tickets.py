"""Tickets: open one, look at it, list them, cancel one, follow one live."""

import asyncio
import time
from collections.abc import AsyncIterable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header
from fastapi import Path as PathPart
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection, Select, select, tuple_

from ..serving import Cursor, CursorCodec, Limit, Page, Problem
from ..world import desk, facts
from ..world.engine import UnknownTenantError
from ..world.tables import events, tickets
from .access import Access, Reader, Requester, tenant_of
from .views import EventView, NewTicket, TicketView

TicketName = Annotated[str, PathPart(pattern=r"^TCK-\d{4,9}$", examples=["TCK-1004"])]
_TICK_SECONDS = 0.1
_FIRST = 1_000


def tickets_router(access: Access) -> APIRouter:  # noqa: C901
    """Return the routes under /tickets."""
    router = APIRouter(prefix="/tickets", tags=["tickets"])

    async def known(ticket: TicketName, caller: Reader) -> str:
        # A dependency, because a stream that has begun can't become a 404 any more.
        await _known(access, tenant_of(caller), ticket)
        return ticket

    @router.post("", status_code=201, summary="Open a ticket")
    async def open_ticket(new: NewTicket, caller: Requester) -> TicketView:
        tenant = tenant_of(caller)
        row = await asyncio.to_thread(_open, access, tenant, new)
        return TicketView.of(row)

    @router.get("", summary="List tickets, newest first")
    async def list_tickets(
        caller: Reader,
        limit: Limit = 50,
        cursor: Cursor = None,
        state: Literal["queued", "working", "waiting", "closed", "cancelled"] | None = None,
    ) -> Page[TicketView]:
        tenant = tenant_of(caller)
        codec = CursorCodec(access.settings.pepper, f"tickets:{tenant}:{state}")
        after = codec.decode(cursor) if cursor else None
        rows = await access.read(lambda c: c.execute(_listed(tenant, state, after, limit)).all())
        more = len(rows) > limit
        last = rows[limit - 1] if more else None
        return Page(
            items=[TicketView.of(r) for r in rows[:limit]],
            next_cursor=codec.encode([last.created_at.isoformat(), last.id]) if last else None,
        )

    @router.get("/{ticket}", summary="Look at a ticket")
    async def get_ticket(ticket: TicketName, caller: Reader) -> TicketView:
        return TicketView.of(await _known(access, tenant_of(caller), ticket))

    @router.get("/{ticket}/steps", summary="What was done for a ticket")
    async def list_steps(ticket: TicketName, caller: Reader) -> list[EventView]:
        tenant = tenant_of(caller)
        await _known(access, tenant, ticket)
        return await access.read(partial(_steps, tenant=tenant, ticket=ticket, after=0))

    @router.delete("/{ticket}", summary="Cancel a ticket that is still open")
    async def cancel_ticket(ticket: TicketName, caller: Requester) -> TicketView:
        tenant = tenant_of(caller)
        await _known(access, tenant, ticket)
        await asyncio.to_thread(_cancel, access, tenant, ticket)
        return TicketView.of(await _known(access, tenant, ticket))

    @router.get(
        "/{ticket}/events", summary="Follow a ticket live", response_class=EventSourceResponse
    )
    async def follow_ticket(
        ticket: Annotated[str, Depends(known)],
        caller: Reader,
        last_event_id: Annotated[
            int | None, Header(ge=0, le=2**31 - 1, description="Go on behind this step")
        ] = None,
    ) -> AsyncIterable[ServerSentEvent]:
        """Events named for their kind, until the ticket has an end; resumable by Last-Event-ID.

        A stream of a ticket that is still open ends after a while, and the client resumes it.
        """
        tenant, number = tenant_of(caller), last_event_id or 0
        ends = time.monotonic() + access.settings.follow_seconds
        while True:
            # The state is read first: an end that comes in between is seen in the next round.
            row = await _known(access, tenant, ticket)
            steps = await access.read(partial(_steps, tenant=tenant, ticket=ticket, after=number))
            for step in steps:
                number = step.number
                yield ServerSentEvent(
                    event=step.kind, raw_data=step.model_dump_json(), id=str(number)
                )
            if row.state not in desk.OPEN_STATES or time.monotonic() > ends:
                return
            await asyncio.sleep(_TICK_SECONDS)

    return router


def _open(access: Access, tenant: str, new: NewTicket) -> Any:
    """Open a ticket under the next free number and queue it."""
    try:
        while True:
            with access.engine.connect() as connection:
                if facts.person(connection, tenant, new.requester) is None:
                    raise Problem(
                        422,
                        detail="The requester is nobody of this company.",
                        type="urn:problem:unknown-requester",
                    )
                ticket = _next_name(connection, tenant)
            if desk.open_ticket(access.engine, tenant, ticket, new.requester, new.text):
                break
    except UnknownTenantError:
        raise Problem(422, detail="This tenant has no company.") from None
    access.dispatcher.submit(tenant, ticket)
    with access.engine.connect() as connection:
        return desk.ticket_row(connection, tenant, ticket)


def _next_name(connection: Connection, tenant: str) -> str:
    names = connection.execute(select(tickets.c.id).where(tickets.c.tenant == tenant)).scalars()
    taken = {name for name in names if name.startswith("TCK-")}
    number = _FIRST + len(taken)
    while f"TCK-{number}" in taken:
        number += 1
    return f"TCK-{number}"


def _cancel(access: Access, tenant: str, ticket: str) -> None:
    closed = desk.close_ticket(
        access.engine, tenant, ticket, state="cancelled", outcome=None, summary="Cancelled."
    )
    if not closed:
        raise Problem(409, detail="The ticket has an end already.", type="urn:problem:closed")
    access.dispatcher.cancel(tenant, ticket)


async def _known(access: Access, tenant: str, ticket: str) -> Any:
    row = await access.read(lambda c: desk.ticket_row(c, tenant, ticket))
    if row is None:
        raise Problem(404, detail="There is no such ticket.")
    return row


def _listed(
    tenant: str, state: str | None, after: list[str] | None, limit: int
) -> Select[tuple[Any, ...]]:
    query = select(tickets).where(tickets.c.tenant == tenant)
    if state is not None:
        query = query.where(tickets.c.state == state)
    if after is not None:
        place = tuple_(tickets.c.created_at, tickets.c.id)
        query = query.where(place < (datetime.fromisoformat(after[0]), after[1]))
    return query.order_by(tickets.c.created_at.desc(), tickets.c.id.desc()).limit(limit + 1)


def _steps(connection: Connection, tenant: str, ticket: str, after: int) -> list[EventView]:
    mine = (events.c.tenant == tenant) & (events.c.ticket == ticket) & (events.c.number > after)
    rows = connection.execute(select(events).where(mine).order_by(events.c.number))
    return [EventView.of(r) for r in rows]
