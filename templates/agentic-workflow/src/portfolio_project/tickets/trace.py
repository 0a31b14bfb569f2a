"""Lets the expert work a task in a company of its own, and keeps what it did."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from ..world import company, desk
from ..world.actions import Caller
from ..world.engine import reading
from ..world.snapshot import State, snapshot
from ..world.toolbox import LOOK_UPS, act_with_decision, look_up
from ..world.vocabulary import Outcome
from . import expert
from .draw import records
from .task import Task


@dataclass(slots=True)
class Trace:
    """What the expert did: each call with its result, the outcome, and what it left behind."""

    outcome: Outcome
    calls: list[tuple[str, dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    before: State = field(default_factory=dict)
    after: State = field(default_factory=dict)


def settle(engine: Engine, tenant: str, task: Task) -> None:
    """Found the company of a task under a tenant."""
    with engine.begin() as connection:
        company.found(connection, tenant, records(task))


def follow(  # noqa: PLR0913
    engine: Engine, tenant: str, ticket: str, task: Task, text: str, *, states: bool = True
) -> Trace:
    """Found the task's company, let the expert work the ticket, and return the trace.

    Without `states` the trace is left without the state before and after, which costs half.
    """
    settle(engine, tenant, task)
    desk.open_ticket(engine, tenant, ticket, task.requester, text)
    trace = Trace("escalated", before=_state(engine, tenant) if states else {})

    def call(tool: str, given: dict[str, Any]) -> dict[str, Any]:
        caller = Caller(tenant, ticket, task.requester, f"{ticket}:{len(trace.calls)}")
        if tool in LOOK_UPS:
            result = look_up(engine, caller, tool, given)
        else:
            result = act_with_decision(engine, caller, tool, given, approve=task.approver)
        trace.calls.append((tool, given, result))
        return result

    trace.outcome = expert.work(task, call)
    if states:
        desk.close_ticket(engine, tenant, ticket, state="closed", outcome=trace.outcome, summary="")
    trace.after = _state(engine, tenant) if states else {}
    return trace


def _state(engine: Engine, tenant: str) -> State:
    with reading(engine) as connection:
        return snapshot(connection, tenant)
