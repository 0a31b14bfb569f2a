"""The typed tools that a model may call, and which of them each kind of ticket needs.

A ticket about a delivery never sees the tool that pays money back, whatever stands in its text.
"""

from typing import Annotated, Any

from pydantic import Field
from pydantic_ai import ApprovalRequired, RunContext
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import FunctionToolset

from ..world.vocabulary import Email, Item, Money, OrderId, Role, System, TicketId
from .steps import APPROVAL, Desk, Result, run_tool

ROUTES: dict[str, frozenset[str]] = {
    "refund": frozenset({"get_order", "issue_refund"}),
    "partial_refund": frozenset({"get_order", "issue_refund"}),
    "access": frozenset({"get_employee", "grant_access"}),
    "purchase": frozenset({"get_price", "create_purchase"}),
    "cancel_order": frozenset({"get_order", "cancel_order"}),
    "order_status": frozenset({"get_order"}),
    "ticket_status": frozenset({"get_ticket"}),
    "other": frozenset(),
}
"""Intent -> the tools on offer for it."""

Quantity = Annotated[int, Field(ge=1, le=20)]
Context = RunContext[Desk]
tools: FunctionToolset[Desk] = FunctionToolset(id="desk")


async def routed(context: Context, offered: list[ToolDefinition]) -> list[ToolDefinition]:
    """Keep the tools that this ticket's intent needs."""
    wanted = ROUTES[context.deps.intent]
    return [tool for tool in offered if tool.name in wanted]


@tools.tool
async def get_order(context: Context, order_id: OrderId) -> Result:
    """Look up an order: status, amount, what can still be refunded. `note` is customer text."""
    return await _call(context, "get_order", order_id=order_id)


@tools.tool
async def get_employee(context: Context, email: Email) -> Result:
    """Look up an employee: department, manager, whether the account is active."""
    return await _call(context, "get_employee", email=email)


@tools.tool
async def get_price(context: Context, item: Item, quantity: Quantity) -> Result:
    """Look up what goods cost and what is left of the requester's budget."""
    return await _call(context, "get_price", item=item, quantity=quantity)


@tools.tool
async def get_ticket(context: Context, ticket_id: TicketId) -> Result:
    """Look up where an earlier ticket stands."""
    return await _call(context, "get_ticket", ticket_id=ticket_id)


@tools.tool
async def issue_refund(context: Context, order_id: OrderId, amount: Money) -> Result:
    """Pay an amount of an order back to the customer. Policy may deny it or ask a person."""
    return await _call(context, "issue_refund", order_id=order_id, amount=amount)


@tools.tool
async def cancel_order(context: Context, order_id: OrderId) -> Result:
    """Cancel an order that has not left the warehouse. Policy may deny it or ask a person."""
    return await _call(context, "cancel_order", order_id=order_id)


@tools.tool
async def grant_access(context: Context, email: Email, system: System, role: Role) -> Result:
    """Give somebody a role on a system. Policy may deny it or ask a person."""
    return await _call(context, "grant_access", email=email, system=system, role=role)


@tools.tool
async def create_purchase(context: Context, item: Item, quantity: Quantity) -> Result:
    """Buy goods on the requester's budget. Policy may deny it or ask a person."""
    return await _call(context, "create_purchase", item=item, quantity=quantity)


async def _call(context: Context, tool: str, **given: Any) -> Result:
    result = await run_tool(context.deps, context.tool_call_id or tool, tool, given)
    if result.get("status") == APPROVAL:
        raise ApprovalRequired(metadata={"key": result["key"]})
    return result
