"""The dead letters: events that were refused, and sending them again when that was put right."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from ..events import Reason
from ..redrive import redrive
from ..serving import Cursor, CursorCodec, Limit, Page, Principal, require_scope
from ..store import Letter
from .access import Access
from .decisions import Reader


class DeadLetter(BaseModel):
    """An event that was refused, as it came."""

    offset: int = Field(ge=1)
    topic: str = Field(examples=["transactions"])
    arrived_at: int
    reason: str = Field(examples=["breaks-contract"])
    detail: str = Field(examples=["amount_cents: Input should be greater than or equal to 0"])
    value: str = Field(description="Its bytes as text; what is no UTF-8 is replaced")


class Wanted(BaseModel):
    """Which refused events to send again."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason | None = Field(
        default=None,
        description="Only those refused for this reason; all of them if left out",
        examples=["unknown-version"],
    )


class Sent(BaseModel):
    """What became of them."""

    sent: int = Field(ge=0, description="Appended to the log again, and processed like any other")
    refused: dict[str, int] = Field(
        description="Left where they are, by the reason for which they would be refused again",
        examples=[{"too-late": 3}],
    )


def letters_router(access: Access) -> APIRouter:
    """GET /dead-letters, POST /dead-letters/redrive."""
    router = APIRouter()

    @router.get("/dead-letters", summary="Refused events, newest first", tags=["decisions"])
    async def list_dead_letters(
        _caller: Reader, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[DeadLetter]:
        """Each with the reason for which it was refused."""
        codec = CursorCodec(access.settings.pepper, "dead-letters")
        before = codec.decode(cursor) if cursor else None
        rows = access.view.letters(before=before, limit=limit + 1)
        more = codec.encode(rows[limit - 1].offset) if len(rows) > limit else None
        return Page(items=[_letter(row) for row in rows[:limit]], next_cursor=more)

    @router.post("/dead-letters/redrive", summary="Send refused events again", tags=["ingestion"])
    def send_again(
        wanted: Wanted, _caller: Annotated[Principal, Depends(require_scope("events"))]
    ) -> Sent:
        """Append those that would be taken now, each once, however often this is asked."""
        done = redrive(access.log, access.view, access.now(), wanted.reason)
        return Sent(sent=done.sent, refused=dict(sorted(done.refused.items())))

    return router


def _letter(row: Letter) -> DeadLetter:
    return DeadLetter(
        offset=row.offset,
        topic=row.topic,
        arrived_at=row.arrived_at,
        reason=row.reason,
        detail=row.detail,
        value=row.value.decode(errors="replace"),
    )
