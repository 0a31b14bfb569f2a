"""Send refused events again, when what they were refused for has been put right."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from ..events import Reason
from ..redrive import redrive
from ..serving import Principal, require_scope
from .access import Access


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
    """POST /dead-letters/redrive."""
    router = APIRouter(tags=["ingestion"])

    @router.post("/dead-letters/redrive", summary="Send refused events again")
    def send_again(
        wanted: Wanted, _caller: Annotated[Principal, Depends(require_scope("events"))]
    ) -> Sent:
        """Append those that would be taken now, each once, however often this is asked."""
        done = redrive(access.log, access.view, access.now(), wanted.reason)
        return Sent(sent=done.sent, refused=dict(sorted(done.refused.items())))

    return router
