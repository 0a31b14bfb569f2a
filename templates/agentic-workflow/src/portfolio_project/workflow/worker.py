"""A worker: takes tickets from the queue and works them until it is told to stop.

Start as many as you like, on one machine or several with PostgreSQL; give each a name of its own
that it keeps over restarts, for what a worker had begun it takes up again under its name.
"""

import logging
import threading

import structlog
from dbos import DBOS

from ..agent.steps import Desk
from ..settings import Settings
from .engine import QUEUE, WORKFLOW, launched
from .handle import Office, handle, wait_for_person
from .office import opened
from .telemetry import ticket_span, tracing

VERSION = "1"
"""Of the workflow's steps. Raise it when their order changes; unfinished tickets keep theirs."""
_log = structlog.get_logger("worker")
_office: Office | None = None


@DBOS.workflow(name=WORKFLOW)
async def work_ticket(tenant: str, ticket: str, trace: str = "") -> str:
    """Work one ticket, durably, and return its outcome; `trace` names the span that asked."""
    office = _office
    assert office is not None, "the engine runs before the office is open"

    async def decide(where: Desk, key: str) -> bool:
        return await wait_for_person(where, key, office.settings.approval_timeout_seconds)

    with ticket_span(office.tracer, tenant, ticket, trace) as span:
        outcome = await handle(office, tenant, ticket, decide)
        span.set_attribute("desk.outcome", outcome)
    return outcome


def work(settings: Settings, stop: threading.Event, name: str) -> None:
    """Work tickets until `stop` is set.

    Raises:
        NoModelError: no model serves yet.
        BadSettings: the chosen model can't be used.
    """
    for chatty in ("httpx2", "dbos"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    global _office  # noqa: PLW0603 - the engine calls a plain function, so the process has one
    with tracing(settings) as traces, opened(settings, traces) as office:
        _office = office
        try:
            with launched(settings, name, VERSION):
                _log.info("working", worker=name, queue=QUEUE)
                stop.wait()
        finally:
            _office = None
