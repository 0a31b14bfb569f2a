"""The company's records. Every row belongs to a tenant; money is in integer cents."""

from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()


def _tenant() -> Column[str]:
    return Column("tenant", String(64), primary_key=True)


tenants = Table(
    "tenants",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("today", Date, nullable=False),
)

employees = Table(
    "employees",
    metadata,
    _tenant(),
    Column("email", String(120), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("department", String(40), nullable=False),
    Column("manager", String(120)),
    Column("active", Integer, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    _tenant(),
    Column("id", String(16), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("tier", String(16), nullable=False),
)

orders = Table(
    "orders",
    metadata,
    _tenant(),
    Column("id", String(16), primary_key=True),
    Column("customer", String(16), nullable=False),
    Column("item", String(40), nullable=False),
    Column("amount_cents", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("delivered_on", Date),
    Column("final_sale", Integer, nullable=False),
    Column("note", Text, nullable=False),
)

refunds = Table(
    "refunds",
    metadata,
    _tenant(),
    Column("key", String(160), primary_key=True),
    Column("order", String(16), nullable=False),
    Column("amount_cents", Integer, nullable=False),
    Column("ticket", String(64), nullable=False),
)

grants = Table(
    "grants",
    metadata,
    _tenant(),
    Column("email", String(120), primary_key=True),
    Column("system", String(40), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("ticket", String(64), nullable=False),
)

budgets = Table(
    "budgets",
    metadata,
    _tenant(),
    Column("department", String(40), primary_key=True),
    Column("limit_cents", Integer, nullable=False),
    Column("spent_cents", Integer, nullable=False),
)

purchases = Table(
    "purchases",
    metadata,
    _tenant(),
    Column("key", String(160), primary_key=True),
    Column("email", String(120), nullable=False),
    Column("item", String(40), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("amount_cents", Integer, nullable=False),
    Column("ticket", String(64), nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    _tenant(),
    Column("id", String(64), primary_key=True),
    Column("requester", String(120), nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(24), nullable=False),
    Column("intent", String(24)),
    Column("confidence", Float),
    Column("outcome", String(24)),
    Column("summary", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("tickets_by_age", "tenant", "created_at", "id"),
)

events = Table(
    "ticket_events",
    metadata,
    _tenant(),
    Column("ticket", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", String(160), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("data", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(["tenant", "ticket"], ["tickets.tenant", "tickets.id"]),
    Index("ticket_events_once", "tenant", "ticket", "key", unique=True),
)

approvals = Table(
    "approvals",
    metadata,
    _tenant(),
    Column("id", String(160), primary_key=True),
    Column("ticket", String(64), nullable=False),
    Column("action", String(24), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("rule", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_by", String(64)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("approvals_by_age", "tenant", "created_at", "id"),
)

effects = Table(
    "effects",
    metadata,
    _tenant(),
    Column("key", String(160), primary_key=True),
    Column("action", String(24), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("result", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _tenant(),
    Column("number", Integer, primary_key=True),
    Column("actor", String(120), nullable=False),
    Column("action", String(40), nullable=False),
    Column("data", Text, nullable=False),
    Column("at", String(40), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)
