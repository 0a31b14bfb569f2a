"""Score one payment now: the question that a payment terminal asks."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from ..events import Cents, Identifier, Rejected, Topic, UnixTime, read_event, whole
from ..features import FEATURE_NAMES, Features, step
from ..serving import Principal, Problem, require_scope
from .access import Access
from .windows import insist_on_windows

EXAMPLE: dict[str, JsonValue] = {
    "version": 1,
    "event_id": "tx-1024",
    "occurred_at": 1_532_520_000,
    "card_id": "card-7",
    "terminal_id": "term-31",
    "amount_cents": 5716,
}


class Payment(BaseModel):
    """One card payment; whole numbers may be written as 12 or as 12.0."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [EXAMPLE]}
    )

    version: Annotated[Literal[1], BeforeValidator(whole)]
    event_id: Identifier
    occurred_at: Annotated[UnixTime, BeforeValidator(whole)]
    card_id: Identifier
    terminal_id: Identifier
    amount_cents: Annotated[Cents, BeforeValidator(whole)]


class Score(BaseModel):
    """A decision and what it was made from."""

    event_id: str = Field(examples=["tx-1024"])
    score: float = Field(ge=0, le=1, description="Probability of fraud", examples=[0.0123])
    alert: bool = Field(description="Whether the score reaches the model's threshold")
    threshold: float = Field(ge=0, le=1, examples=[0.18])
    model_version: str = Field(examples=["f9d2ca31f30507be"])
    features: dict[str, float] = Field(examples=[dict.fromkeys(FEATURE_NAMES, 1.0)])
    as_of_offset: int = Field(ge=0, description="Log entries that the windows have seen")


def score_router(access: Access) -> APIRouter:
    """POST /score."""
    router = APIRouter(tags=["scoring"])

    @router.post("/score", summary="Score one payment, without recording it")
    async def score(
        payment: Annotated[Payment, Body(openapi_examples={"payment": {"value": EXAMPLE}})],
        _caller: Annotated[Principal, Depends(require_scope("score"))],
    ) -> Score:
        """Answer with the score that the stream would give this payment if it came now.

        Same door, same reducer, same windows, same model. It is a question: nothing is stored,
        so asking twice changes nothing. Send the payment to `/v1/events` to make it count. A
        payment that the stream would not take at this time of its clock answers 409.
        """
        return answer(access, payment)

    return router


def answer(access: Access, payment: Payment) -> Score:
    """Score `payment` as the stream would now. Raises a 409 Problem if it would not take it."""
    event = read_event(Topic.TRANSACTIONS, payment.model_dump_json().encode(), access.now())
    if isinstance(event, Rejected):
        raise Problem(
            409,
            detail=f"{event.detail}. Correct `occurred_at`.",
            type=f"urn:problem:{event.reason.value}",
        )
    insist_on_windows(access)
    windows, offset = access.view.windows(payment.card_id, payment.terminal_id)
    _, features = step(windows, event)
    if features is None:
        raise _repeated()
    with access.leased(payment.card_id) as model:
        probability = float(model.score(np.array([features], dtype=np.float32))[0])
        return Score(
            event_id=payment.event_id,
            score=probability,
            alert=probability >= model.threshold,
            threshold=model.threshold,
            model_version=model.version,
            features=named(features),
            as_of_offset=offset,
        )


def named(features: Features | list[float]) -> dict[str, float]:
    """Features by name."""
    return dict(zip(FEATURE_NAMES, features, strict=True))


def _repeated() -> Problem:
    return Problem(
        409,
        detail="This payment is in the stream already; read it under /v1/predictions/{event_id}.",
        type="urn:problem:already-processed",
    )
