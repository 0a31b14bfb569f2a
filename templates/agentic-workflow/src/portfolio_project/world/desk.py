"""Tickets and approvals: opened, told of, decided and closed, each step once."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from ..provenance import canonical_json
from . import audit
from .clock import now
from .engine import writing
from .tables import approvals, events, tickets

OPEN_STATES = frozenset({"queued", "working", "waiting"})


class NotOpenError(ValueError):
    """The ticket or approval was closed or decided before."""


def open_ticket(engine: Engine, tenant: str, ticket: str, requester: str, text: str) -> bool:
    """Open a ticket. Return False, changing nothing, where it is there already."""
    with writing(engine, tenant) as connection:
        if ticket_row(connection, tenant, ticket) is not None:
            return False
        connection.execute(
            insert(tickets).values(
                tenant=tenant,
                id=ticket,
                requester=requester,
                text=text,
                state="queued",
                created_at=now(),
            )
        )
        tell(connection, tenant, ticket, "opened", "opened", {"requester": requester})
        audit.record(connection, tenant, requester, "ticket.opened", {"ticket": ticket})
        return True


def ticket_row(connection: Connection, tenant: str, ticket: str) -> Any:
    """Return a ticket's row, or None."""
    where = (tickets.c.tenant == tenant) & (tickets.c.id == ticket)
    return connection.execute(select(tickets).where(where)).first()


def tell(  # noqa: PLR0913, PLR0917
    connection: Connection, tenant: str, ticket: str, key: str, kind: str, data: Mapping[str, Any]
) -> None:
    """Append an event to a ticket's story, once for each key."""
    mine = (events.c.tenant == tenant) & (events.c.ticket == ticket)
    if connection.execute(select(events.c.number).where(mine, events.c.key == key)).first():
        return
    newest = connection.execute(select(func.max(events.c.number)).where(mine)).scalar_one()
    connection.execute(
        insert(events).values(
            tenant=tenant,
            ticket=ticket,
            number=(newest or 0) + 1,
            key=key,
            kind=kind,
            data=canonical_json(dict(data)).decode(),
            at=now(),
        )
    )


def set_state(connection: Connection, tenant: str, ticket: str, **values: Any) -> None:
    """Change columns of a ticket that is still open; a closed one stays as it is."""
    where = (
        (tickets.c.tenant == tenant) & (tickets.c.id == ticket) & tickets.c.state.in_(OPEN_STATES)
    )
    connection.execute(update(tickets).where(where).values(**values))


def close_ticket(  # noqa: PLR0913
    engine: Engine, tenant: str, ticket: str, *, state: str, outcome: str | None, summary: str
) -> bool:
    """Close a ticket. Return False, changing nothing, where it was closed before."""
    with writing(engine, tenant) as connection:
        row = ticket_row(connection, tenant, ticket)
        if row is None or row.state not in OPEN_STATES:
            return False
        set_state(connection, tenant, ticket, state=state, outcome=outcome, summary=summary)
        waiting = (
            (approvals.c.tenant == tenant)
            & (approvals.c.ticket == ticket)
            & (approvals.c.state == "waiting")
        )
        connection.execute(update(approvals).where(waiting).values(state="withdrawn"))
        data = {"outcome": outcome, "summary": summary}
        tell(connection, tenant, ticket, state, state, data)
        audit.record(connection, tenant, "desk", f"ticket.{state}", {"ticket": ticket, **data})
        return True


def ask_approval(  # noqa: PLR0913
    engine: Engine,
    tenant: str,
    ticket: str,
    key: str,
    *,
    action: str,
    arguments: Mapping[str, Any],
    rule: str,
) -> None:
    """Put a call before a person, once for each key."""
    with writing(engine, tenant) as connection:
        if approval_row(connection, tenant, key) is not None:
            return
        connection.execute(
            insert(approvals).values(
                tenant=tenant,
                id=key,
                ticket=ticket,
                action=action,
                arguments=canonical_json(dict(arguments)).decode(),
                rule=rule,
                state="waiting",
                created_at=now(),
            )
        )
        set_state(connection, tenant, ticket, state="waiting")
        data = {"approval": key, "action": action, "arguments": dict(arguments), "rule": rule}
        tell(connection, tenant, ticket, f"ask:{key}", "approval_wanted", data)
        audit.record(connection, tenant, "desk", "approval.wanted", {"ticket": ticket, **data})


def approval_row(connection: Connection, tenant: str, key: str) -> Any:
    """Return an approval's row, or None."""
    where = (approvals.c.tenant == tenant) & (approvals.c.id == key)
    return connection.execute(select(approvals).where(where)).first()


def decide(connection: Connection, tenant: str, key: str, *, approve: bool, by: str) -> None:
    """Record a person's decision on a call that waits for one.

    Raises:
        LookupError: there is no such approval.
        NotOpenError: it was decided or withdrawn before.
    """
    row = approval_row(connection, tenant, key)
    if row is None:
        raise LookupError(key)
    state = "approved" if approve else "rejected"
    if row.state == state:
        return
    if row.state != "waiting":
        raise NotOpenError(row.state)
    where = (approvals.c.tenant == tenant) & (approvals.c.id == key)
    connection.execute(update(approvals).where(where).values(state=state, decided_by=by))
    set_state(connection, tenant, row.ticket, state="working")
    data = {"approval": key, "by": by}
    tell(connection, tenant, row.ticket, f"decided:{key}", f"approval_{state}", data)
    audit.record(connection, tenant, by, f"approval.{state}", {"ticket": row.ticket, **data})
