"""Hands on what a crash left between the records and the queue.

A ticket is recorded first and queued second; a decision is recorded first and sent second. Both
hand-overs may be repeated, so what stands in the records is simply handed over again.
"""

from datetime import timedelta

from sqlalchemy import Engine, select

from ..world.clock import now
from ..world.engine import reading
from ..world.tables import approvals, tickets
from .engine import Dispatcher

_AGE = timedelta(seconds=2)


def sweep(engine: Engine, dispatcher: Dispatcher) -> int:
    """Queue tickets that nobody took up, send decisions that nobody heard; returns how many."""
    with reading(engine) as connection:
        late = select(tickets.c.tenant, tickets.c.id).where(
            (tickets.c.state == "queued") & (tickets.c.created_at < now() - _AGE)
        )
        queued = connection.execute(late).all()
        unheard = (
            select(approvals.c.tenant, approvals.c.ticket, approvals.c.id)
            .join(
                tickets,
                (tickets.c.tenant == approvals.c.tenant) & (tickets.c.id == approvals.c.ticket),
            )
            .where(
                approvals.c.state.in_(("approved", "rejected"))
                & tickets.c.state.in_(("waiting", "working"))
            )
        )
        decided = connection.execute(unheard).all()
    for row in queued:
        dispatcher.submit(row.tenant, row.id)
    for wait in decided:
        dispatcher.decided(wait.tenant, wait.ticket, wait.id)
    return len(queued) + len(decided)
