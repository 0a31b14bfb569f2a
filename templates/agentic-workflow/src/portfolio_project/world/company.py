"""Makes a small, believable company from a seed: the same seed gives the same records."""

import tomllib
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert

from .clock import now
from .tables import budgets, customers, employees, grants, orders, refunds, tenants, tickets
from .vocabulary import DEPARTMENTS, ITEMS, PRICE_CENTS

TODAY = date(2026, 6, 15)
_NAMES: dict[str, list[str]] = tomllib.loads(
    (Path(__file__).parent / "names.toml").read_text(encoding="utf-8")
)
_NOTES = (
    "",
    "",
    "",
    "Leave at reception.",
    "Customer prefers contact by e-mail.",
    "Second delivery attempt succeeded.",
    "Gift wrapping requested.",
)
_STATUSES = ("processing", "shipped", "delivered", "delivered", "delivered", "lost", "cancelled")
_STAFF, _CUSTOMERS, _ORDERS, _TICKETS = 11, 5, 14, 4

Rows = dict[str, list[dict[str, Any]]]


@lru_cache(maxsize=4)
def draw_company(seed: int) -> Rows:
    """Return the records of a company, table by table, without tenant. Don't change them."""
    rng = np.random.default_rng(seed)
    staff = _draw_staff(rng)
    clients = _draw_customers(rng)
    sold = _draw_orders(rng, clients)
    return {
        "employees": staff,
        "customers": clients,
        "orders": sold,
        "refunds": _draw_refunds(rng, sold),
        "grants": _draw_grants(rng, staff),
        "budgets": _draw_budgets(rng),
        "tickets": _draw_tickets(rng, staff),
    }


def found(connection: Connection, tenant: str, records: Rows, today: date = TODAY) -> None:
    """Write a company's records under a tenant of its own."""
    connection.execute(insert(tenants).values(id=tenant, today=today))
    for table in (employees, customers, orders, refunds, grants, budgets, tickets):
        rows = [{"tenant": tenant, **row} for row in records.get(table.name, ())]
        if table is tickets:
            rows = [{**row, "created_at": now()} for row in rows]
        if rows:
            connection.execute(insert(table), rows)


def _draw_staff(rng: np.random.Generator) -> list[dict[str, Any]]:
    first = rng.choice(_NAMES["first"], _STAFF, replace=False)
    last = rng.choice(_NAMES["last"], _STAFF, replace=False)
    # The first of each department leads it; the rest are spread, support and sales first.
    place = [DEPARTMENTS[i % len(DEPARTMENTS)] for i in range(_STAFF)]
    heads: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for one, other, department in zip(first, last, place, strict=True):
        email = f"{one}.{other}@corp.example"
        rows.append(
            {
                "email": email,
                "name": f"{str(one).title()} {str(other).title()}",
                "department": department,
                "manager": heads.get(department),
                "active": 1,
            }
        )
        heads.setdefault(department, email)
    rows[-1]["active"] = 0
    return rows


def _draw_customers(rng: np.random.Generator) -> list[dict[str, Any]]:
    names = rng.choice(_NAMES["firms"], _CUSTOMERS, replace=False)
    return [
        {
            "id": f"CUS-{i + 1:03d}",
            "name": f"{name} {rng.choice(_NAMES['kinds'])}",
            "tier": "gold" if rng.random() < 0.3 else "standard",
        }
        for i, name in enumerate(names)
    ]


def _draw_orders(rng: np.random.Generator, clients: list[dict[str, Any]]) -> list[dict[str, Any]]:
    numbers = rng.choice(np.arange(10_000, 99_999), _ORDERS, replace=False)
    return [_draw_order(rng, int(number), clients) for number in numbers]


def _draw_order(
    rng: np.random.Generator, number: int, clients: list[dict[str, Any]]
) -> dict[str, Any]:
    item = str(rng.choice(ITEMS))
    status = str(rng.choice(_STATUSES))
    pieces = int(rng.integers(1, 4))
    days = int(rng.integers(0, 75))
    return {
        "id": f"ORD-{number}",
        "customer": str(rng.choice([c["id"] for c in clients])),
        "item": item,
        "amount_cents": PRICE_CENTS[item] * pieces + int(rng.integers(0, 100)),
        "status": status,
        "delivered_on": TODAY - timedelta(days=days) if status == "delivered" else None,
        "final_sale": int(rng.random() < 0.12),
        "note": str(rng.choice(_NOTES)),
    }


def _draw_refunds(rng: np.random.Generator, sold: list[dict[str, Any]]) -> list[dict[str, Any]]:
    earlier = [o for o in sold if o["status"] == "delivered" and rng.random() < 0.15]
    return [
        {
            "key": f"earlier:{o['id']}",
            "order": o["id"],
            "amount_cents": o["amount_cents"] // 2,
            "ticket": "earlier",
        }
        for o in earlier
    ]


def _draw_grants(rng: np.random.Generator, staff: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"email": s["email"], "system": "wiki", "role": "read", "ticket": "earlier"}
        for s in staff
        if rng.random() < 0.5
    ]


def _draw_budgets(rng: np.random.Generator) -> list[dict[str, Any]]:
    return [
        {
            "department": department,
            "limit_cents": 1_000_000,
            "spent_cents": 1_000_000 - int(rng.integers(20_000, 500_000)),
        }
        for department in DEPARTMENTS
    ]


def _draw_tickets(rng: np.random.Generator, staff: list[dict[str, Any]]) -> list[dict[str, Any]]:
    numbers = rng.choice(np.arange(1_000, 9_999), _TICKETS, replace=False)
    return [
        {
            "id": f"TCK-{number}",
            "requester": str(rng.choice([s["email"] for s in staff])),
            "text": "An earlier ticket.",
            "state": "closed" if i % 2 else "waiting",
            "outcome": "resolved" if i % 2 else None,
        }
        for i, number in enumerate(numbers)
    ]
