"""Put events into the stream, and labels when the truth comes out."""

from __future__ import annotations

import json
import sqlite3
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from ..broker import Envelope
from ..events import SCHEMA_VERSION, Identifier, Rejected, Topic, read_event
from ..serving import Principal, Problem, require_scope
from .access import Access
from .score import EXAMPLE

MAX_EVENTS = 500


class Batch(BaseModel):
    """Payments in order of arrival."""

    model_config = ConfigDict(extra="forbid")

    events: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MAX_EVENTS,
        description="Transactions, version 1 of the contract. Each is judged on its own: a bad "
        "one goes to the dead letters and does not hold up the others.",
        examples=[[EXAMPLE]],
    )


class Outcome(BaseModel):
    """What became of one event of a batch."""

    status: Literal["accepted", "rejected"]
    offset: int = Field(ge=1, description="Its place in the log")
    reason: str | None = Field(default=None, examples=["breaks-contract"])
    detail: str | None = Field(default=None, examples=["amount_cents: Field required"])


class Receipt(BaseModel):
    """One outcome for each event of the batch, in its order. All of them are in the log."""

    outcomes: list[Outcome]
    accepted: int = Field(ge=0)
    rejected: int = Field(ge=0)


class Verdict(BaseModel):
    """What became of a payment."""

    model_config = ConfigDict(extra="forbid", strict=True)

    event_id: Identifier = Field(examples=["tx-1024"])
    fraud: bool = Field(description="False takes an earlier report back")


class Accepted(BaseModel):
    """The label is in the log."""

    offset: int = Field(ge=1)


def events_router(access: Access) -> APIRouter:
    """POST /events and POST /labels."""
    router = APIRouter(tags=["ingestion"])

    @router.post("/events", summary="Append payments to the stream", status_code=202)
    def ingest(
        batch: Batch, _caller: Annotated[Principal, Depends(require_scope("events"))]
    ) -> Receipt:
        """Append a batch, all in one transaction; answered when it is safely on disk.

        The decision on each follows within milliseconds under `/v1/predictions/{event_id}`. An
        event that was sent before is recognised by the stream and counted once.
        """
        now = access.now()
        # Not orjson: it raises on half a surrogate pair, which JSON can spell; the door refuses it.
        values = [json.dumps(event).encode() for event in batch.events]
        verdicts = [read_event(Topic.TRANSACTIONS, value, now) for value in values]
        last = _append(access, [Envelope(now, Topic.TRANSACTIONS, value) for value in values])
        first = last - len(values) + 1
        outcomes = [
            Outcome(status="rejected", offset=offset, reason=one.reason.value, detail=one.detail)
            if isinstance(one, Rejected)
            else Outcome(status="accepted", offset=offset)
            for offset, one in enumerate(verdicts, start=first)
        ]
        rejected = sum(one.status == "rejected" for one in outcomes)
        return Receipt(outcomes=outcomes, accepted=len(outcomes) - rejected, rejected=rejected)

    @router.post(
        "/labels",
        summary="Report a fraud, or take a report back",
        status_code=202,
        responses={404: {"description": "No payment with this event_id was scored"}},
    )
    def label(
        verdict: Verdict, _caller: Annotated[Principal, Depends(require_scope("events"))]
    ) -> Accepted:
        """Append a label for a payment that was scored. Unknown payments answer 404."""
        prediction = access.view.prediction(verdict.event_id)
        if prediction is None:
            raise Problem(404, detail="No payment with this event_id was scored.")
        value = orjson.dumps(
            {
                "version": SCHEMA_VERSION,
                "event_id": prediction.event_id,
                "occurred_at": prediction.occurred_at,
                "terminal_id": prediction.terminal_id,
                "fraud": verdict.fraud,
            }
        )
        return Accepted(offset=_append(access, [Envelope(access.now(), Topic.LABELS, value)]))

    return router


def _append(access: Access, events: list[Envelope]) -> int:
    try:
        return access.log.append(events)
    except sqlite3.OperationalError as error:
        raise Problem(
            503,
            detail="The log takes no events just now; none of these was stored. Try again.",
            type="urn:problem:log-unavailable",
            headers={"Retry-After": "1"},
        ) from error
