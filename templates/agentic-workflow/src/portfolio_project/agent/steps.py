"""The tool calls as durable steps: what finished is never done again, and each is told of."""

import asyncio
from dataclasses import dataclass
from typing import Any

from dbos import DBOS
from sqlalchemy import Engine

from ..provenance import sha256_json
from ..world import desk
from ..world.actions import Caller, NeedsApproval
from ..world.engine import writing
from ..world.patience import PATIENT
from ..world.toolbox import LOOK_UPS, act, look_up

Result = dict[str, Any]
APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class Desk:
    """What a tool needs: the company's records, the ticket, and what the ticket is about."""

    engine: Engine
    tenant: str
    ticket: str
    requester: str
    intent: str = "other"


def call_key(ticket: str, tool: str, given: dict[str, Any]) -> str:
    """Return the idempotency key of a call: the same call of a ticket has one effect, ever.

    It does not depend on the id that a model gave the call, for a model may repeat itself.
    """
    return f"{ticket}.{tool}.{sha256_json(given)[:12]}"


@DBOS.step(name="tool", **PATIENT)
async def run_tool(where: Desk, call_id: str, tool: str, given: dict[str, Any]) -> Result:
    """Run a tool and record the call in the ticket's story.

    Returns `{"status": "approval", ...}`, with nothing changed, where a person has to decide.
    """
    return await asyncio.to_thread(_run, where, call_id, tool, given)


def _run(where: Desk, call_id: str, tool: str, given: dict[str, Any]) -> Result:
    key = call_key(where.ticket, tool, given)
    caller = Caller(where.tenant, where.ticket, where.requester, key)
    if tool in LOOK_UPS:
        result = look_up(where.engine, caller, tool, given)
    else:
        try:
            result = act(where.engine, caller, tool, given)
        except NeedsApproval as wanted:
            return _ask(where, key, tool, given, wanted)
    told = {"tool": tool, "arguments": given, "result": result}
    with writing(where.engine, where.tenant) as connection:
        desk.tell(connection, where.tenant, where.ticket, f"tool:{call_id}:{tool}", "tool", told)
    return result


def _ask(where: Desk, key: str, tool: str, given: Result, wanted: NeedsApproval) -> Result:
    desk.ask_approval(
        where.engine,
        where.tenant,
        where.ticket,
        key,
        action=tool,
        arguments=given,
        rule=wanted.verdict.rule,
    )
    return {"status": APPROVAL, "key": key, "reason": wanted.verdict.reason}
