"""The expert: how a ticket is worked when it is understood. Its end states are the right answers.

It calls the same tools as the agent, so policy judges it as well.
"""

from collections.abc import Callable
from typing import Any

from ..world.vocabulary import Outcome
from .task import NEEDED, Task

Result = dict[str, Any]
Call = Callable[[str, dict[str, Any]], Result]


def work(task: Task, call: Call) -> Outcome:
    """Work a task with tools and return the outcome. `call(tool, arguments)` runs a tool."""
    if task.second is not None or task.intent == "other":
        return "escalated"
    if any(name not in task.slots for name in NEEDED[task.intent]):
        return "needs_information"
    return _WORK[task.intent](task, call)


def _refund(task: Task, call: Call) -> Outcome:
    order = call("get_order", {"order_id": task.slots["order_id"]})
    if "error" in order:
        return "needs_information"
    if order["status"] not in {"delivered", "lost"}:
        return "denied"
    amount = task.slots.get("amount", order["refundable"])
    return _end(call("issue_refund", {"order_id": task.slots["order_id"], "amount": amount}))


def _access(task: Task, call: Call) -> Outcome:
    person = call("get_employee", {"email": task.slots["email"]})
    if "error" in person:
        return "needs_information"
    if not person["active"]:
        return "denied"
    wanted = {name: task.slots[name] for name in ("email", "system", "role")}
    return _end(call("grant_access", wanted))


def _purchase(task: Task, call: Call) -> Outcome:
    wanted = {"item": task.slots["item"], "quantity": task.slots["quantity"]}
    call("get_price", wanted)
    return _end(call("create_purchase", wanted))


def _cancel(task: Task, call: Call) -> Outcome:
    order = call("get_order", {"order_id": task.slots["order_id"]})
    if "error" in order:
        return "needs_information"
    if order["status"] != "processing":
        return "denied"
    return _end(call("cancel_order", {"order_id": task.slots["order_id"]}))


def _order_status(task: Task, call: Call) -> Outcome:
    order = call("get_order", {"order_id": task.slots["order_id"]})
    return "needs_information" if "error" in order else "answered"


def _ticket_status(task: Task, call: Call) -> Outcome:
    ticket = call("get_ticket", {"ticket_id": task.slots["ticket_id"]})
    return "needs_information" if "error" in ticket else "answered"


def _end(result: Result) -> Outcome:
    return "resolved" if result["status"] == "done" else "denied"


_WORK: dict[str, Callable[[Task, Call], Outcome]] = {
    "refund": _refund,
    "partial_refund": _refund,
    "access": _access,
    "purchase": _purchase,
    "cancel_order": _cancel,
    "order_status": _order_status,
    "ticket_status": _ticket_status,
}
