"""The closed words of the desk: intents, systems, roles, goods, outcomes, and what things cost."""

from typing import Annotated, Literal, get_args

from pydantic import StringConstraints

Intent = Literal[
    "refund",
    "partial_refund",
    "access",
    "purchase",
    "cancel_order",
    "order_status",
    "ticket_status",
    "other",
]
Outcome = Literal["resolved", "answered", "denied", "needs_information", "escalated"]
System = Literal["wiki", "crm", "analytics", "vpn", "prod_db", "payroll"]
Role = Literal["read", "write", "admin"]
Item = Literal[
    "laptop",
    "monitor",
    "keyboard",
    "mouse",
    "headset",
    "webcam",
    "dock",
    "desk_lamp",
    "office_chair",
    "tablet",
    "printer",
    "phone",
]
Department = Literal["support", "sales", "engineering", "finance", "people"]

OrderId = Annotated[str, StringConstraints(pattern=r"^ORD-\d{5}$")]
TicketId = Annotated[str, StringConstraints(pattern=r"^TCK-\d{4,9}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[a-z]+\d*@corp\.example$")]
Money = Annotated[str, StringConstraints(pattern=r"^\d{1,6}\.\d\d$")]

INTENTS: tuple[Intent, ...] = get_args(Intent)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
SYSTEMS: tuple[System, ...] = get_args(System)
ROLES: tuple[Role, ...] = get_args(Role)
ITEMS: tuple[Item, ...] = get_args(Item)
DEPARTMENTS: tuple[Department, ...] = get_args(Department)

PRICE_CENTS: dict[str, int] = {
    "laptop": 148_900,
    "monitor": 32_900,
    "keyboard": 8_900,
    "mouse": 3_900,
    "headset": 11_900,
    "webcam": 7_900,
    "dock": 18_900,
    "desk_lamp": 4_900,
    "office_chair": 38_900,
    "tablet": 54_900,
    "printer": 24_900,
    "phone": 69_900,
}
"""Catalogue prices for one piece, in cents."""


def to_cents(amount: str) -> int:
    """Return a decimal amount such as "12.50" in cents.

    Raises:
        ValueError: it is no amount with two decimals.
    """
    whole, point, part = amount.partition(".")
    if not (whole.isdigit() and point and len(part) == 2 and part.isdigit()):
        raise ValueError(f"{amount!r} is no amount such as 12.50")
    return int(whole) * 100 + int(part)


def to_amount(cents: int) -> str:
    """Return cents as a decimal amount such as "12.50"."""
    return f"{cents // 100}.{cents % 100:02d}"
