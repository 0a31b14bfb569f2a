"""The registry's operations: which models there are, which serves, and changing that."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from ..provenance import (
    GateRefusedError,
    ProvenanceError,
    RegistryBusyError,
    UnknownVersionError,
    Version,
)
from ..scorer import MODEL_FILE
from ..serving import Principal, Problem, require_scope
from ..train import GATE, algorithm_of
from .access import Access, ModelUnavailableError

VersionId = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{16}$", description="As listed", examples=["f9d2ca31f30507be"]),
]
Keeper = Annotated[Principal, Depends(require_scope("models"))]


class Model(BaseModel):
    """A registered model."""

    version: str = Field(examples=["f9d2ca31f30507be"])
    algorithm: str = Field(examples=["lightgbm"])
    serving: bool
    sha256: str = Field(description="Of its ONNX file")
    metrics: dict[str, float] = Field(examples=[{"average_precision": 0.51, "auc_roc": 0.79}])


class Move(BaseModel):
    """An entry of the registry's history."""

    action: str = Field(examples=["promoted"])
    version: str
    previous: str | None


class Models(BaseModel):
    """Every registered model, oldest first, and the latest decisions about them."""

    models: list[Model]
    history: list[Move] = Field(description="Newest first, at most 20")


def models_router(access: Access) -> APIRouter:
    """GET /models, POST /models/{version}/promote, POST /models/rollback."""
    router = APIRouter(prefix="/models", tags=["models"])

    @router.get("", summary="Registered models and which one serves")
    def list_models(
        _caller: Annotated[Principal, Depends(require_scope("read"))],
    ) -> Models:
        """Each with the metrics of its manifest."""
        serving = access.registry.current_id()
        moves = access.registry.history()[::-1][:20]
        return Models(
            models=[_model(one, serving) for one in access.registry.versions()],
            history=[
                Move(action=one.action, version=one.version, previous=one.previous) for one in moves
            ],
        )

    @router.post("/rollback", summary="Let the model before this one serve again")
    def rollback(_caller: Keeper) -> Model:
        """Takes effect at once and fails no request. 409 if nothing served before."""
        try:
            version = access.registry.rollback()
        except ProvenanceError as error:
            raise problem_of(error) from error
        return _serve(access, version)

    @router.post("/{version}/promote", summary="Let a model serve, if the gate lets it")
    def promote(version: VersionId, _caller: Keeper) -> Model:
        """Takes effect at once and fails no request. 409 with the gate's reasons if it does not."""
        try:
            promoted = access.registry.promote(version, gate=GATE)
        except ProvenanceError as error:
            raise problem_of(error) from error
        return _serve(access, promoted)

    return router


def _serve(access: Access, version: Version) -> Model:
    try:
        access.follow_registry()
    except ModelUnavailableError as error:
        raise Problem(409, detail=f"{error}. The model before it goes on serving.") from error
    return _model(version, version.id)


def _model(version: Version, serving: str | None) -> Model:
    return Model(
        version=version.id,
        algorithm=algorithm_of(version),
        serving=version.id == serving,
        sha256=version.files[MODEL_FILE].sha256,
        metrics=dict(version.manifest.metrics),
    )


def problem_of(error: ProvenanceError) -> Problem:
    """What the registry refused, as an answer."""
    match error:
        case GateRefusedError():
            return Problem(
                409,
                detail="The quality gate refused this model.",
                type="urn:problem:gate-refused",
                reasons=list(error.reasons),
            )
        case RegistryBusyError():
            return Problem(503, detail=f"{error}.", headers={"Retry-After": "1"})
        case UnknownVersionError() if "roll back" not in str(error):
            return Problem(404, detail=f"{error}.")
        case _:
            return Problem(409, detail=f"{error}.")
