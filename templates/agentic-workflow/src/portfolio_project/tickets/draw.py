"""Draws tasks from seeds: who asks for what, in a company of its own."""

from datetime import date
from typing import Any

import numpy as np

from ..world.company import Rows, draw_company
from ..world.vocabulary import INTENTS, ITEMS, ROLES, SYSTEMS, Intent, to_amount
from .task import NEEDED, Task

_WEIGHTS = (0.18, 0.14, 0.2, 0.14, 0.1, 0.09, 0.06, 0.09)


def records(task: Task) -> Rows:
    """Return the company in which a task is set, with the task's own changes."""
    rows = draw_company(task.seed)
    if task.changes:
        rows = {table: [dict(row) for row in known] for table, known in rows.items()}
    for table, changed in task.changes.items():
        key = "id" if "id" in changed[0] else "email"
        known = {row[key]: row for row in rows[table]}
        for row in changed:
            known[row[key]].update(row)
            if "delivered_on" in row:
                known[row[key]]["delivered_on"] = date.fromisoformat(row["delivered_on"])
    return rows


def draw_task(seed: int, intent: Intent | None = None, *, missing: bool = False) -> Task:
    """Return the task of a seed: of `intent`, or of one that the seed chooses.

    With `missing`, a fact without which it can't be served is left out.
    """
    rng = np.random.default_rng([seed, 1])
    chosen: Intent = intent or INTENTS[int(rng.choice(len(INTENTS), p=_WEIGHTS))]
    rows = draw_company(seed)
    requester, slots = _DRAW[chosen](rng, rows)
    if missing and NEEDED[chosen]:
        for gone in ("order_id", "ticket_id"):
            slots.pop(gone, None)
    return Task(seed, chosen, requester, slots, approver=bool(rng.random() < 0.7))


def _asker(rng: np.random.Generator, rows: Rows, departments: frozenset[str] | None = None) -> str:
    staff = [s for s in rows["employees"] if s["active"]]
    if departments is not None and rng.random() < 0.92:
        staff = [s for s in staff if s["department"] in departments]
    return str(staff[int(rng.integers(len(staff)))]["email"])


_FRONT = frozenset({"support", "sales"})


def _order(rng: np.random.Generator, rows: Rows, liked: frozenset[str]) -> dict[str, Any]:
    if rng.random() < 0.08:
        return {"id": f"ORD-{int(rng.integers(10_000, 99_999))}", "amount_cents": 20_000}
    pool = rows["orders"]
    if rng.random() < 0.8:
        pool = [o for o in pool if o["status"] in liked] or pool
    return pool[int(rng.integers(len(pool)))]


def _draw_refund(rng: np.random.Generator, rows: Rows) -> tuple[str, dict[str, Any]]:
    order = _order(rng, rows, frozenset({"delivered", "lost"}))
    return _asker(rng, rows, _FRONT), {"order_id": order["id"]}


def _draw_partial(rng: np.random.Generator, rows: Rows) -> tuple[str, dict[str, Any]]:
    order = _order(rng, rows, frozenset({"delivered", "lost"}))
    share = 1.2 if rng.random() < 0.1 else float(rng.uniform(0.05, 0.6))
    cents = max(500, int(order["amount_cents"] * share))
    if rng.random() < 0.5:
        cents -= cents % 100
    return _asker(rng, rows, _FRONT), {"order_id": order["id"], "amount": to_amount(cents)}


def _draw_access(rng: np.random.Generator, rows: Rows) -> tuple[str, dict[str, Any]]:
    asker = _asker(rng, rows)
    luck = rng.random()
    reports = [s["email"] for s in rows["employees"] if s["manager"] == asker]
    others = [s["email"] for s in rows["employees"] if s["email"] != asker]
    subject = asker
    if luck < 0.35 and reports:
        subject = str(rng.choice(reports))
    elif luck > 0.9:
        subject = str(rng.choice(others))
    system, role = str(rng.choice(SYSTEMS)), str(rng.choice(ROLES, p=(0.5, 0.4, 0.1)))
    return asker, {"email": subject, "system": system, "role": role}


def _draw_purchase(rng: np.random.Generator, rows: Rows) -> tuple[str, dict[str, Any]]:
    quantity = int(rng.choice((1, 2, 3, 4, 5, 6), p=(0.5, 0.2, 0.12, 0.08, 0.05, 0.05)))
    return _asker(rng, rows), {"item": str(rng.choice(ITEMS)), "quantity": quantity}


def _draw_cancel(rng: np.random.Generator, rows: Rows) -> tuple[str, dict[str, Any]]:
    order = _order(rng, rows, frozenset({"processing"}))
    return _asker(rng, rows, _FRONT), {"order_id": order["id"]}


def _draw_status(rng: np.random.Generator, rows: Rows) -> tuple[str, dict[str, Any]]:
    order = _order(rng, rows, frozenset({"processing", "shipped", "delivered"}))
    return _asker(rng, rows), {"order_id": order["id"]}


def _draw_ticket(rng: np.random.Generator, rows: Rows) -> tuple[str, dict[str, Any]]:
    known = [t["id"] for t in rows["tickets"]]
    unknown = f"TCK-{int(rng.integers(1_000, 9_999))}"
    return _asker(rng, rows), {
        "ticket_id": unknown if rng.random() < 0.2 else str(rng.choice(known))
    }


def _draw_other(rng: np.random.Generator, rows: Rows) -> tuple[str, dict[str, Any]]:
    return _asker(rng, rows), {}


_DRAW = {
    "refund": _draw_refund,
    "partial_refund": _draw_partial,
    "access": _draw_access,
    "purchase": _draw_purchase,
    "cancel_order": _draw_cancel,
    "order_status": _draw_status,
    "ticket_status": _draw_ticket,
    "other": _draw_other,
}
