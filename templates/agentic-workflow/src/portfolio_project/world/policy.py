"""The desk's policies: pure functions from facts to a verdict. Nothing here reads or writes.

Every write asks them again inside its own transaction, whatever the agent believes.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

REFUND_WINDOW_DAYS = {"standard": 30, "gold": 60}
REFUND_FREE_CENTS = 15_000
REFUND_CEILING_CENTS = 200_000
PURCHASE_FREE_CENTS = 25_000
CANCEL_FREE_CENTS = 100_000
SERVES_CUSTOMERS = frozenset({"support", "sales"})
SEES_PAYROLL = frozenset({"finance", "people"})
OPEN_SYSTEMS = frozenset({"wiki", "crm"})
GUARDED_SYSTEMS = frozenset({"prod_db", "payroll"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What policy says of an action: allowed, only with a person's approval, or denied."""

    kind: Literal["allow", "approval", "deny"]
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Person:
    """An employee, as far as policy looks at one."""

    email: str
    department: str
    manager: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A customer's order, as far as policy looks at one. Money in cents."""

    status: str
    amount_cents: int
    refunded_cents: int
    delivered_on: date | None
    final_sale: bool
    tier: str


ALLOW = Verdict("allow", "allowed", "Policy allows it.")


def refund(asker: Person, order: Order, amount_cents: int, today: date) -> Verdict:  # noqa: PLR0911
    """Judge paying `amount_cents` of an order back to its customer."""
    if not asker.active or asker.department not in SERVES_CUSTOMERS:
        return _deny("refund.requester", "Only support and sales ask for refunds.")
    if order.status not in {"delivered", "lost"}:
        return _deny("refund.status", f"An order that is {order.status} is not refunded.")
    if order.final_sale:
        return _deny("refund.final_sale", "A final sale is not refunded.")
    if order.status == "delivered" and _too_late(order, today):
        return _deny("refund.window", "The time for a refund has passed.")
    if amount_cents <= 0 or amount_cents + order.refunded_cents > order.amount_cents:
        return _deny("refund.amount", "The amount is more than what is left of the order.")
    if amount_cents > REFUND_CEILING_CENTS:
        return _deny("refund.ceiling", "So large a refund goes through finance, not the desk.")
    if amount_cents > REFUND_FREE_CENTS:
        return _ask("refund.large", "A refund of this size needs approval.")
    return ALLOW


def _too_late(order: Order, today: date) -> bool:
    if order.delivered_on is None:
        return True
    return (today - order.delivered_on).days > REFUND_WINDOW_DAYS[order.tier]


def cancel_order(asker: Person, order: Order) -> Verdict:
    """Judge cancelling an order before it leaves the warehouse."""
    if not asker.active or asker.department not in SERVES_CUSTOMERS:
        return _deny("cancel.requester", "Only support and sales cancel orders.")
    if order.status != "processing":
        return _deny("cancel.status", f"An order that is {order.status} can't be cancelled.")
    if order.amount_cents > CANCEL_FREE_CENTS:
        return _ask("cancel.large", "Cancelling an order of this size needs approval.")
    return ALLOW


def grant_access(  # noqa: PLR0911
    asker: Person, subject: Person, system: str, role: str, present: str | None
) -> Verdict:
    """Judge giving `subject` a role on a system; `present` is the role held now, if any."""
    if not asker.active or not subject.active:
        return _deny("access.inactive", "The account is not active.")
    if asker.email != subject.email and subject.manager != asker.email:  # noqa: PLR1714
        return _deny("access.requester", "Ask for yourself or for somebody who reports to you.")
    if role == "admin":
        return _deny("access.admin", "Admin roles are not given by the desk.")
    if system == "payroll" and subject.department not in SEES_PAYROLL:
        return _deny("access.payroll", "Payroll is for finance and people only.")
    if present is not None and present in {role, "write", "admin"}:
        return _deny("access.present", "The access is there already.")
    if system in GUARDED_SYSTEMS or (system not in OPEN_SYSTEMS and role == "write"):
        return _ask("access.guarded", "This access needs approval.")
    return ALLOW


def purchase(asker: Person, amount_cents: int, left_cents: int) -> Verdict:
    """Judge buying goods of `amount_cents` while `left_cents` of the budget are left."""
    if not asker.active:
        return _deny("purchase.inactive", "The account is not active.")
    if amount_cents <= 0 or amount_cents > left_cents:
        return _deny("purchase.budget", "The department's budget does not cover it.")
    if amount_cents > PURCHASE_FREE_CENTS:
        return _ask("purchase.large", "A purchase of this size needs approval.")
    return ALLOW


def _deny(rule: str, reason: str) -> Verdict:
    return Verdict("deny", rule, reason)


def _ask(rule: str, reason: str) -> Verdict:
    return Verdict("approval", rule, reason)
