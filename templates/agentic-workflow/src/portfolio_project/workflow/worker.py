"""A worker: takes tickets from the queue and works them until it is told to stop.

Start as many as you like, on one machine or several with PostgreSQL; give each a name of its own
that it keeps over restarts, for what a worker had begun it takes up again under its name.
"""

import logging
import threading
from collections.abc import Sequence

import structlog
from dbos import DBOS

from ..agent.steps import Desk
from ..settings import Settings
from .engine import POLL_SECONDS, QUEUE, WORK, WORKFLOW, launched
from .handle import Office, Paused, begin, go_on, wait_for_person
from .office import opened
from .telemetry import ticket_span, tracing

VERSION = "2"
"""Of the workflow's steps. Raise it when their order changes; unfinished tickets keep theirs."""
LOOKS_A_SECOND = 100
"""How often a process looks whether work has ended, for all tickets that it follows together."""
_log = structlog.get_logger("worker")
_office: Office | None = None
_followed: set[str] = set()


@DBOS.workflow(name=WORKFLOW)
async def work_ticket(tenant: str, ticket: str, trace: str = "") -> str:
    """See a ticket through, and return its outcome; `trace` names the span that asked.

    Work is handed to whichever worker has room. Waiting for a person takes up no room, so tickets
    that wait for days hold no other ticket up.
    """
    told = await _worked(tenant, ticket, trace)
    while isinstance(told, Paused):
        decided = await _decided(tenant, ticket, told)
        told = await _worked(tenant, ticket, trace, told, decided)
    return told


@DBOS.workflow(name="work_once")
async def work_once(
    tenant: str, ticket: str, trace: str, paused: Paused | None, decided: list[bool]
) -> str | Paused:
    """Work a ticket, durably, until its end or until a person has to decide."""
    office = _opened()
    with ticket_span(office.tracer, tenant, ticket, trace) as span:
        if paused is None:
            told = await begin(office, tenant, ticket)
        else:
            told = await go_on(office, tenant, ticket, paused, decided)
        span.set_attribute("desk.outcome", told if isinstance(told, str) else "waiting")
    return told


async def _worked(
    tenant: str, ticket: str, trace: str, paused: Paused | None = None, decided: Sequence[bool] = ()
) -> str | Paused:
    begun = await DBOS.enqueue_workflow_async(
        WORK, work_once, tenant, ticket, trace, paused, list(decided)
    )
    _followed.add(begun.workflow_id)
    try:
        pace = max(POLL_SECONDS, len(_followed) / LOOKS_A_SECOND)
        return await begun.get_result(polling_interval_sec=pace)
    finally:
        _followed.discard(begun.workflow_id)


async def _decided(tenant: str, ticket: str, paused: Paused) -> list[bool]:
    office = _opened()
    where = Desk(office.engine, tenant, ticket, paused.requester, paused.intent)
    patience = office.settings.approval_timeout_seconds
    return [await wait_for_person(where, key, patience) for _, key in paused.wanted]


def _opened() -> Office:
    assert _office is not None, "the engine runs before the office is open"
    return _office


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
