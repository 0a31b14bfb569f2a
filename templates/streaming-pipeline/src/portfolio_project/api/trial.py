"""The trial of a model beside the serving one: begin it, watch it, end it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from ..challenger import Share, end_trial, start_trial, trial_of
from ..provenance import ProvenanceError
from ..registry_api import Keeper, ModelUnavailableError, VersionId, problem_of
from ..scorer import ModelMismatchError
from ..serving import Principal, Problem, require_scope
from ..train import algorithm_of, gate_of
from .access import Access


class Start(BaseModel):
    """How a model is tried."""

    model_config = ConfigDict(extra="forbid", strict=True)

    share: Share = Field(
        default=0.0,
        description="Of the cards for which it decides; 0: it runs in the shadow and decides none",
        examples=[0.0, 0.05],
    )


class Trial(BaseModel):
    """A model that is tried beside the serving one; counts are of the payments since."""

    version: str | None = Field(description="Null while nothing is tried")
    algorithm: str | None = Field(default=None, examples=["logistic"])
    share: float = Field(default=0, ge=0, le=1)
    payments: int = Field(default=0, ge=0, description="Scored by both, the latest 50,000 at most")
    canary: int = Field(default=0, ge=0, description="Of the payments: decided by this model")
    alerts: int = Field(default=0, ge=0, description="That it raised, or would have raised")
    champion_alerts: int = Field(default=0, ge=0, description="The serving model's")
    disagreements: int = Field(default=0, ge=0)
    mean_difference: float = Field(default=0, ge=0, description="Of the scores, absolute")
    frauds: int = Field(default=0, ge=0, description="Of the payments: reported since")
    found: int = Field(default=0, ge=0, description="Of the frauds: with an alert of this model")
    champion_found: int = Field(default=0, ge=0)


def trial_router(access: Access) -> APIRouter:
    """GET /trial, POST /models/{version}/try, POST /trial/end."""
    router = APIRouter(tags=["models"])

    @router.get("/trial", summary="The model that is tried beside the serving one")
    def get_trial(_caller: Annotated[Principal, Depends(require_scope("read"))]) -> Trial:
        """Both models on the same payments: alerts, and frauds that each has found."""
        return _status(access)

    @router.post("/models/{version}/try", summary="Try a model beside the serving one")
    def try_model(version: VersionId, start: Start, _caller: Keeper) -> Trial:
        """In the shadow, or as a canary for a share of the cards, for which the gate must let it.

        It takes the place of whatever was tried before. 409 if it serves already, or may not.
        """
        try:
            start_trial(access.registry, version, start.share, gate_of(access.settings))
            access.follow_registry()
        except ProvenanceError as error:
            raise problem_of(error) from error
        except (ModelMismatchError, ModelUnavailableError, ValueError) as error:
            raise Problem(409, detail=f"{error}.") from error
        return _status(access)

    @router.post("/trial/end", summary="End the trial")
    def end(_caller: Keeper) -> Trial:
        """The serving model decides everything again. No error if nothing is tried."""
        end_trial(access.registry)
        return _status(access)

    return router


def _status(access: Access) -> Trial:
    trial = trial_of(access.registry)
    if trial is None:
        return Trial(version=None)
    try:
        algorithm = algorithm_of(access.registry.get(trial.version))
    except ProvenanceError:
        algorithm = None
    compared = asdict(access.view.comparison(trial.version))
    return Trial(version=trial.version, algorithm=algorithm, share=trial.share, **compared)
