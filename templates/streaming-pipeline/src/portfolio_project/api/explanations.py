"""Why a payment got its score: each feature's part in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Body, Depends
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from ..explain import Explainer, NoExplanationError, load_explainer
from ..features import FEATURE_NAMES
from ..provenance import ProvenanceError
from ..serving import Principal, Problem, require_scope
from .access import Access, EventId
from .decisions import Reader
from .score import EXAMPLE, Payment, Score, answer, named

_KEPT = 4
Explain = Callable[[str, str, float, NDArray[np.float32]], "Explanation"]


class Contribution(BaseModel):
    """One feature's part in a score."""

    feature: str = Field(examples=["terminal_risk_7d"])
    value: float = Field(description="What the model saw", examples=[0.4])
    log_odds: float = Field(description="What it adds to the log-odds", examples=[2.13])


class Explanation(BaseModel):
    """A score taken apart; `base_log_odds` and all contributions add up to `log_odds`."""

    event_id: str = Field(examples=["tx-1024"])
    model_version: str = Field(examples=["f9d2ca31f30507be"])
    score: float = Field(ge=0, le=1, description="1 / (1 + exp(-log_odds))")
    log_odds: float = Field(examples=[-1.2])
    base_log_odds: float = Field(description="The model's mean over its training", examples=[-4.7])
    contributions: list[Contribution] = Field(description="Largest first")


class Explained(BaseModel):
    """The answer to a question, and why."""

    answer: Score
    explanation: Explanation


def explanations_router(access: Access) -> APIRouter:
    """GET /predictions/{event_id}/explanation and POST /score/explanation."""
    router = APIRouter(tags=["explanations"])
    explain = _explain(access)

    @router.get("/predictions/{event_id}/explanation", summary="Why a decision was made")
    def get_explanation(event_id: EventId, _caller: Reader) -> Explanation:
        """From the features as the model saw them then, and by the model that decided then.

        What has happened since changes nothing. 404 if the payment was not scored; 409 if its
        model has been removed, or was registered without its explainer.
        """
        row = access.view.prediction(event_id)
        if row is None:
            raise Problem(404, detail="No payment with this event_id was scored.")
        features = np.frombuffer(row.features, dtype="<f4").astype(np.float32)
        return explain(event_id, row.model_version, row.score, features)

    @router.post("/score/explanation", summary="Score one payment without recording it, with why")
    def explain_score(
        payment: Annotated[Payment, Body(openapi_examples={"payment": {"value": EXAMPLE}})],
        _caller: Annotated[Principal, Depends(require_scope("score"))],
    ) -> Explained:
        """The answer of `/v1/score`, and each feature's part in it."""
        found = answer(access, payment)
        features = np.array([found.features[name] for name in FEATURE_NAMES], np.float32)
        why = explain(found.event_id, found.model_version, found.score, features)
        return Explained(answer=found, explanation=why)

    return router


def _explain(access: Access) -> Explain:
    @lru_cache(maxsize=_KEPT)
    def explainer(version: str) -> Explainer:
        return load_explainer(access.registry.get(version))

    def explain(
        event_id: str, version: str, score: float, features: NDArray[np.float32]
    ) -> Explanation:
        try:
            found = explainer(version).explain(features)
        except (NoExplanationError, ProvenanceError) as error:
            raise Problem(409, detail=f"{error}.", type="urn:problem:no-explanation") from error
        return Explanation(
            event_id=event_id,
            model_version=version,
            score=score,
            log_odds=found.log_odds,
            base_log_odds=found.base,
            contributions=_parts(named(features.tolist()), found.contributions.tolist()),
        )

    return explain


def _parts(values: Mapping[str, float], log_odds: list[float]) -> list[Contribution]:
    parts = [
        Contribution(feature=name, value=value, log_odds=part)
        for (name, value), part in zip(values.items(), log_odds, strict=True)
    ]
    return sorted(parts, key=lambda part: -abs(part.log_odds))
