"""Approvals: what waits for a person, and the person's decision. Only an approver's key decides."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi import Path as PathPart
from sqlalchemy import Select, select, tuple_

from ..serving import Cursor, CursorCodec, Limit, Page, Problem
from ..world import desk
from ..world.engine import writing
from ..world.tables import approvals
from .access import Access, Approver, Reader, tenant_of
from .views import ApprovalView, Decision

ApprovalName = Annotated[str, PathPart(pattern=r"^[\w.-]{1,160}$", max_length=160)]
State = Literal["waiting", "approved", "rejected", "withdrawn"]


def approvals_router(access: Access) -> APIRouter:
    """Return the routes under /approvals."""
    router = APIRouter(prefix="/approvals", tags=["approvals"])

    @router.get("", summary="List approvals, newest first")
    async def list_approvals(
        caller: Reader, limit: Limit = 50, cursor: Cursor = None, state: State | None = None
    ) -> Page[ApprovalView]:
        tenant = tenant_of(caller)
        codec = CursorCodec(access.settings.pepper, f"approvals:{tenant}:{state}")
        after = codec.decode(cursor) if cursor else None
        rows = await access.read(lambda c: c.execute(_listed(tenant, state, after, limit)).all())
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(
            items=[ApprovalView.of(r) for r in rows[:limit]],
            next_cursor=codec.encode([last.created_at.isoformat(), last.id]) if last else None,
        )

    @router.post("/{approval}/decision", summary="Approve or reject")
    async def decide(approval: ApprovalName, decision: Decision, caller: Approver) -> ApprovalView:
        row = await asyncio.to_thread(
            _decide, access, tenant_of(caller), approval, decision.approve, caller.id
        )
        return ApprovalView.of(row)

    return router


def _decide(access: Access, tenant: str, key: str, approve: bool, by: str) -> Any:  # noqa: FBT001
    try:
        with writing(access.engine, tenant) as connection:
            desk.decide(connection, tenant, key, approve=approve, by=by)
            row = desk.approval_row(connection, tenant, key)
    except LookupError:
        raise Problem(404, detail="There is no such approval.") from None
    except desk.NotOpenError as error:
        detail = f"This was {error} before."
        raise Problem(409, detail=detail, type="urn:problem:decided") from None
    access.dispatcher.decided(tenant, row.ticket, key)
    return row


def _listed(
    tenant: str, state: str | None, after: list[str] | None, limit: int
) -> Select[tuple[Any, ...]]:
    query = select(approvals).where(approvals.c.tenant == tenant)
    if state is not None:
        query = query.where(approvals.c.state == state)
    if after is not None:
        place = tuple_(approvals.c.created_at, approvals.c.id)
        query = query.where(place < (datetime.fromisoformat(after[0]), after[1]))
    return query.order_by(approvals.c.created_at.desc(), approvals.c.id.desc()).limit(limit + 1)
