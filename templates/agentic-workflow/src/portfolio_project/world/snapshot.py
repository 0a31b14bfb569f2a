"""The company's state as plain values: hashed, compared, and shown as a difference.

What a ticket leaves behind counts; when it did, and under which key, does not.
"""

from typing import Any

from sqlalchemy import Connection, select

from ..provenance import sha256_json
from .tables import approvals, budgets, grants, orders, purchases, refunds, tickets
from .vocabulary import to_amount

State = dict[str, list[str]]


def snapshot(connection: Connection, tenant: str) -> State:
    """Return a tenant's state: table -> one line for each row, sorted."""

    def rows(table: Any) -> Any:
        return connection.execute(select(table).where(table.c.tenant == tenant))

    return {
        "orders": sorted(f"{r.id} {r.status}" for r in rows(orders)),
        "refunds": sorted(f"{r.order} {to_amount(r.amount_cents)}" for r in rows(refunds)),
        "grants": sorted(f"{r.email} {r.system} {r.role}" for r in rows(grants)),
        "purchases": sorted(
            f"{r.email} {r.quantity} x {r.item} {to_amount(r.amount_cents)}"
            for r in rows(purchases)
        ),
        "budgets": sorted(
            f"{r.department} {to_amount(r.limit_cents - r.spent_cents)} left" for r in rows(budgets)
        ),
        "approvals": sorted(f"{r.action} {r.arguments} {r.state}" for r in rows(approvals)),
        "outcomes": sorted(f"{r.id} {r.outcome}" for r in rows(tickets)),
    }


def digest(state: State) -> str:
    """Return the SHA-256 of a state."""
    return sha256_json(state)


def difference(before: State, after: State) -> list[str]:
    """Return what changed, one line each: `- table: row` gone, `+ table: row` new."""
    lines: list[str] = []
    for table in after:
        old, new = before.get(table, []), after[table]
        lines += [f"- {table}: {row}" for row in _without(old, new)]
        lines += [f"+ {table}: {row}" for row in _without(new, old)]
    return lines


WRITTEN = ("+ orders:", "+ refunds:", "+ grants:", "+ purchases:")
"""The lines of a difference that an agent's write makes. Budgets follow from purchases."""


def unexpected_writes(changes: list[str], expected: list[str]) -> list[str]:
    """Return the writes that happened and that the expert did not make."""
    return [line for line in _without(changes, expected) if line.startswith(WRITTEN)]


def _without(rows: list[str], others: list[str]) -> list[str]:
    left = list(others)
    kept: list[str] = []
    for row in rows:
        if row in left:
            left.remove(row)
        else:
            kept.append(row)
    return kept
