"""What the API tells of tickets, their events and their approvals."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, Field

from ..world.vocabulary import Email, Intent, Outcome


def _aware(moment: datetime) -> datetime:
    # SQLite gives times back without their zone; they were written in UTC.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]


class NewTicket(BaseModel):
    """What somebody asks for, in their own words."""

    requester: Email = Field(examples=["ada.berg@corp.example"])
    text: Annotated[str, Field(min_length=1, max_length=4_000)] = Field(
        examples=["Please refund order 48213, it arrived broken."]
    )


class TicketView(BaseModel):
    """A ticket and where it stands."""

    id: str = Field(examples=["TCK-1004"])
    requester: str
    text: str
    state: Literal["queued", "working", "waiting", "closed", "cancelled"]
    intent: Intent | None = None
    confidence: float | None = Field(default=None, ge=0, le=1)
    outcome: Outcome | None = None
    summary: str | None = None
    created_at: Moment

    @classmethod
    def of(cls, row: Any) -> "TicketView":
        """Show a row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class EventView(BaseModel):
    """One step of a ticket's story."""

    number: int = Field(ge=1)
    kind: str = Field(examples=["triaged"])
    data: dict[str, Any]
    at: Moment

    @classmethod
    def of(cls, row: Any) -> "EventView":
        """Show a row."""
        return cls(number=row.number, kind=row.kind, data=orjson.loads(row.data), at=row.at)


class ApprovalView(BaseModel):
    """A call that waits, or waited, for a person."""

    id: str
    ticket: str
    action: str = Field(examples=["issue_refund"])
    arguments: dict[str, Any]
    rule: str = Field(examples=["refund.large"])
    state: Literal["waiting", "approved", "rejected", "withdrawn"]
    decided_by: str | None = None
    created_at: Moment

    @classmethod
    def of(cls, row: Any) -> "ApprovalView":
        """Show a row."""
        told = {name: getattr(row, name) for name in cls.model_fields}
        return cls(**{**told, "arguments": orjson.loads(row.arguments)})


class Decision(BaseModel):
    """A person's decision."""

    approve: bool
