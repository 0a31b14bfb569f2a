"""The tools by name: what the agent, the expert and the tests call."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine

from . import desk, facts
from .actions import ACTIONS, Caller, NeedsApproval, perform
from .engine import reading, writing

Result = dict[str, Any]


def look_up(engine: Engine, caller: Caller, tool: str, given: dict[str, Any]) -> Result:
    """Run a reading tool."""
    with reading(engine) as connection:
        return LOOK_UPS[tool](connection, caller, given)


def act(engine: Engine, caller: Caller, tool: str, given: dict[str, Any]) -> Result:
    """Run a writing tool.

    Raises:
        NeedsApproval: a person has to decide first; nothing was changed.
    """
    return perform(engine, ACTIONS[tool], caller, given)


def act_with_decision(
    engine: Engine, caller: Caller, tool: str, given: dict[str, Any], *, approve: bool
) -> Result:
    """Run a writing tool; where policy wants a person, that person decides at once."""
    try:
        return act(engine, caller, tool, given)
    except NeedsApproval as wanted:
        desk.ask_approval(
            engine,
            caller.tenant,
            caller.ticket,
            caller.key,
            action=tool,
            arguments=given,
            rule=wanted.verdict.rule,
        )
    with writing(engine, caller.tenant) as connection:
        desk.decide(connection, caller.tenant, caller.key, approve=approve, by="approver")
    return act(engine, caller, tool, given) if approve else REJECTED


REJECTED: Result = {"status": "rejected", "reason": "A person declined it."}

LOOK_UPS: dict[str, Callable[[Connection, Caller, dict[str, Any]], Result]] = {
    "get_order": lambda c, who, given: facts.look_up_order(c, who.tenant, given["order_id"]),
    "get_employee": lambda c, who, given: facts.look_up_employee(c, who.tenant, given["email"]),
    "get_price": lambda c, who, given: facts.look_up_price(
        c, who.tenant, who.requester, given["item"], given["quantity"]
    ),
    "get_ticket": lambda c, who, given: facts.look_up_ticket(c, who.tenant, given["ticket_id"]),
}
