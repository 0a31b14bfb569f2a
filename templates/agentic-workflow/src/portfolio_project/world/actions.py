"""Writes: the only ways in which the desk changes the company. Policy is asked inside each one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from ..provenance import canonical_json
from . import audit, facts, policy
from .once import once
from .policy import Verdict
from .tables import approvals, budgets, grants, orders, purchases, refunds
from .vocabulary import PRICE_CENTS, to_cents

Arguments = dict[str, Any]
Judge = Callable[[Connection, "Caller", Arguments], Verdict | None]
Effect = Callable[[Connection, "Caller", Arguments], None]


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a write is made: the tenant, the ticket, who asked, and this call's own key."""

    tenant: str
    ticket: str
    requester: str
    key: str


@dataclass(frozen=True, slots=True)
class Action:
    """A write: how policy judges it, and what it changes."""

    name: str
    judge: Judge
    effect: Effect


class NeedsApproval(Exception):
    """Policy wants a person's decision before this write."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


def perform(engine: Engine, action: Action, caller: Caller, arguments: Arguments) -> dict[str, Any]:
    """Do a write once, if policy lets it, and return `{"status": "done" | "denied", ...}`.

    Raises:
        NeedsApproval: a person has to decide first; nothing was changed.
        KeyReusedError: the caller's key was used for something else.
    """

    def effect(connection: Connection) -> dict[str, Any]:
        verdict = judge(connection, action, caller, arguments)
        if verdict.kind == "deny":
            _record(connection, "policy.denied", action, caller, arguments, verdict.rule)
            return {"status": "denied", "rule": verdict.rule, "reason": verdict.reason}
        if verdict.kind == "approval" and not approved(connection, action, caller, arguments):
            raise NeedsApproval(verdict)
        action.effect(connection, caller, arguments)
        _record(connection, f"{action.name}.done", action, caller, arguments, verdict.rule)
        return {"status": "done"}

    named = {**arguments, "requester": caller.requester, "ticket": caller.ticket}
    return once(engine, caller.tenant, caller.key, action.name, named, effect)


def judge(connection: Connection, action: Action, caller: Caller, arguments: Arguments) -> Verdict:
    """Return what policy says now of this write."""
    verdict = action.judge(connection, caller, arguments)
    return verdict or Verdict("deny", f"{action.name}.unknown", "There is no such record.")


def approved(connection: Connection, action: Action, caller: Caller, arguments: Arguments) -> bool:
    """Say whether a person approved exactly this call: same ticket, action and arguments."""
    where = (approvals.c.tenant == caller.tenant) & (approvals.c.id == caller.key)
    row = connection.execute(select(approvals).where(where)).first()
    return row is not None and (row.ticket, row.action, row.state, row.arguments) == (
        caller.ticket,
        action.name,
        "approved",
        canonical_json(arguments).decode(),
    )


def _record(  # noqa: PLR0913, PLR0917
    connection: Connection, event: str, action: Action, caller: Caller, given: Arguments, rule: str
) -> None:
    data = {"ticket": caller.ticket, "action": action.name, "arguments": given, "rule": rule}
    audit.record(connection, caller.tenant, caller.requester, event, data)


def _judge_refund(connection: Connection, caller: Caller, given: Arguments) -> Verdict | None:
    asker = facts.person(connection, caller.tenant, caller.requester)
    order = facts.order(connection, caller.tenant, given["order_id"])
    if asker is None or order is None:
        return None
    now = facts.today(connection, caller.tenant)
    return policy.refund(asker, order, to_cents(given["amount"]), now)


def _refund(connection: Connection, caller: Caller, given: Arguments) -> None:
    connection.execute(
        insert(refunds).values(
            tenant=caller.tenant,
            key=caller.key,
            order=given["order_id"],
            amount_cents=to_cents(given["amount"]),
            ticket=caller.ticket,
        )
    )


def _judge_cancel(connection: Connection, caller: Caller, given: Arguments) -> Verdict | None:
    asker = facts.person(connection, caller.tenant, caller.requester)
    order = facts.order(connection, caller.tenant, given["order_id"])
    return policy.cancel_order(asker, order) if asker and order else None


def _cancel(connection: Connection, caller: Caller, given: Arguments) -> None:
    where = (orders.c.tenant == caller.tenant) & (orders.c.id == given["order_id"])
    connection.execute(update(orders).where(where).values(status="cancelled"))


def _judge_grant(connection: Connection, caller: Caller, given: Arguments) -> Verdict | None:
    asker = facts.person(connection, caller.tenant, caller.requester)
    subject = facts.person(connection, caller.tenant, given["email"])
    if asker is None or subject is None:
        return None
    present = facts.role_held(connection, caller.tenant, given["email"], given["system"])
    return policy.grant_access(asker, subject, given["system"], given["role"], present)


def _grant(connection: Connection, caller: Caller, given: Arguments) -> None:
    where = (
        (grants.c.tenant == caller.tenant)
        & (grants.c.email == given["email"])
        & (grants.c.system == given["system"])
    )
    connection.execute(delete(grants).where(where))
    row = {k: given[k] for k in ("email", "system", "role")}
    connection.execute(insert(grants).values(tenant=caller.tenant, ticket=caller.ticket, **row))


def _judge_purchase(connection: Connection, caller: Caller, given: Arguments) -> Verdict | None:
    asker = facts.person(connection, caller.tenant, caller.requester)
    if asker is None:
        return None
    left = facts.budget_left(connection, caller.tenant, asker.department)
    return policy.purchase(asker, _total(given), left)


def _purchase(connection: Connection, caller: Caller, given: Arguments) -> None:
    asker = facts.person(connection, caller.tenant, caller.requester)
    assert asker is not None
    connection.execute(
        insert(purchases).values(
            tenant=caller.tenant,
            key=caller.key,
            email=asker.email,
            item=given["item"],
            quantity=given["quantity"],
            amount_cents=_total(given),
            ticket=caller.ticket,
        )
    )
    where = (budgets.c.tenant == caller.tenant) & (budgets.c.department == asker.department)
    spent = budgets.c.spent_cents + _total(given)
    connection.execute(update(budgets).where(where).values(spent_cents=spent))


def _total(given: Arguments) -> int:
    return PRICE_CENTS[given["item"]] * int(given["quantity"])


REFUND = Action("issue_refund", _judge_refund, _refund)
CANCEL = Action("cancel_order", _judge_cancel, _cancel)
GRANT = Action("grant_access", _judge_grant, _grant)
PURCHASE = Action("create_purchase", _judge_purchase, _purchase)
ACTIONS: dict[str, Action] = {a.name: a for a in (REFUND, CANCEL, GRANT, PURCHASE)}
