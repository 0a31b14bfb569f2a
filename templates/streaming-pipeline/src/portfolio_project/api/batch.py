"""Score many payments at once: each is a question of its own, and nothing is recorded."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ..serving import Principal, Problem, require_scope
from .access import Access
from .score import EXAMPLE, Payment, Score, answer

MAX_PAYMENTS = 200
_READ = TypeAdapter(Payment).validate_python


class Questions(BaseModel):
    """Payments that might come next, each on its own."""

    model_config = ConfigDict(extra="forbid")

    payments: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MAX_PAYMENTS,
        description="As for `/v1/score`. A bad one does not hold up the others.",
        examples=[[EXAMPLE]],
    )


class Answer(BaseModel):
    """The answer to one question of a batch."""

    status: Literal["scored", "refused"]
    score: Score | None = Field(default=None, description="If it was scored")
    detail: str | None = Field(default=None, examples=["amount_cents: Field required"])


class Answers(BaseModel):
    """One answer for each payment, in the order of the questions."""

    answers: list[Answer]
    scored: int = Field(ge=0)
    refused: int = Field(ge=0)


def batch_router(access: Access) -> APIRouter:
    """POST /score/batch."""
    router = APIRouter(tags=["scoring"])

    @router.post("/score/batch", summary="Score many payments, without recording them")
    def score_batch(
        questions: Questions, _caller: Annotated[Principal, Depends(require_scope("score"))]
    ) -> Answers:
        """Each as `/v1/score` would answer it alone: none sees the others."""
        answers = [_one(access, payment) for payment in questions.payments]
        scored = sum(one.status == "scored" for one in answers)
        return Answers(answers=answers, scored=scored, refused=len(answers) - scored)

    return router


def _one(access: Access, payment: dict[str, Any]) -> Answer:
    try:
        return Answer(status="scored", score=answer(access, _READ(payment)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return Answer(status="refused", detail=f"{where}: {first['msg']}")
    except Problem as problem:
        if problem.status >= 500:
            raise
        return Answer(status="refused", detail=problem.detail)
