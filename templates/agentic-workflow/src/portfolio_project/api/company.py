"""The company as the desk page shows it, and the audit log with its check."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection, select

from ..world import audit
from ..world.snapshot import snapshot
from ..world.tables import audit as audit_table
from ..world.tables import employees
from .access import Access, Auditor, Reader, tenant_of

_NEWEST = 50


class Company(BaseModel):
    """The records of the caller's company: table -> one line for each row."""

    tenant: str
    employees: list[str]
    tables: dict[str, list[str]]


class AuditEntry(BaseModel):
    """One entry of the log."""

    number: int
    actor: str
    action: str
    data: str
    at: str
    digest: str


class AuditView(BaseModel):
    """The newest entries, and whether the whole chain is intact."""

    intact: bool
    entries: int = Field(ge=0)
    head: str
    broken_at: int | None = None
    newest: list[AuditEntry]


def company_router(access: Access) -> APIRouter:
    """Return /company and /audit."""
    router = APIRouter(tags=["company"])

    @router.get("/company", summary="The company's records")
    async def get_company(caller: Reader) -> Company:
        tenant = tenant_of(caller)
        return await access.read(lambda c: _company(c, tenant))

    @router.get("/audit", summary="The audit log, checked")
    async def get_audit(caller: Auditor) -> AuditView:
        tenant = tenant_of(caller)
        return await access.read(lambda c: _audit(c, tenant))

    return router


def _company(connection: Connection, tenant: str) -> Company:
    mine = select(employees).where(employees.c.tenant == tenant).order_by(employees.c.email)
    people = [f"{r.email} {r.department}" for r in connection.execute(mine) if r.active]
    return Company(tenant=tenant, employees=people, tables=snapshot(connection, tenant))


def _audit(connection: Connection, tenant: str) -> AuditView:
    chain = audit.verify(connection, tenant)
    newest = (
        select(audit_table)
        .where(audit_table.c.tenant == tenant)
        .order_by(audit_table.c.number.desc())
        .limit(_NEWEST)
    )
    rows: list[Any] = list(connection.execute(newest))
    shown = [AuditEntry(**{n: getattr(r, n) for n in AuditEntry.model_fields}) for r in rows]
    return AuditView(
        intact=chain.intact,
        entries=chain.entries,
        head=chain.head,
        broken_at=chain.broken_at,
        newest=shown,
    )
