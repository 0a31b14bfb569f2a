"""The registry over HTTP: which models there are, which serves, and changing that."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from .provenance import (
    GateCheck,
    GateRefusedError,
    ProvenanceError,
    Registry,
    RegistryBusyError,
    UnknownVersionError,
    Version,
)
from .serving import Principal, Problem, require_scope

VersionId = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{16}$", description="As listed", examples=["f9d2ca31f30507be"]),
]
Keeper = Annotated[Principal, Depends(require_scope("models"))]
_log = structlog.get_logger("model")


class ModelUnavailableError(Exception):
    """The model that should serve cannot; the text says why. The one before it goes on."""


@dataclass(frozen=True, slots=True)
class Models:
    """What the routes need to know of a family's models.

    Attributes:
        registry: where they are.
        gate: what a model has to pass before it may serve.
        follow: serve what the registry says should serve; raises ModelUnavailableError.
        kind: what tells a model from others in a word: its algorithm, or its configuration.
        file: the file whose hash stands for the model.
        reader: the scope of those who may look.
    """

    registry: Registry
    gate: GateCheck
    follow: Callable[[], None]
    kind: Callable[[Version], str]
    file: str
    reader: str


class Model(BaseModel):
    """A registered model."""

    version: str = Field(examples=["f9d2ca31f30507be"])
    kind: str = Field(description="Its algorithm or configuration", examples=["default"])
    serving: bool
    sha256: str = Field(description="Of its main file")
    metrics: dict[str, float] = Field(description="As its training measured them")
    commit: str | None = Field(
        description="The latest one that is known to hold its code and its lock; null if none is"
    )


class Move(BaseModel):
    """An entry of the registry's history."""

    action: str = Field(examples=["promoted"])
    version: str
    previous: str | None


class Listing(BaseModel):
    """Every registered model, oldest first, and the latest decisions about them."""

    models: list[Model]
    history: list[Move] = Field(description="Newest first, at most 20")


def models_router(of: Models) -> APIRouter:
    """GET /models, POST /models/{version}/promote, POST /models/rollback."""
    router = APIRouter(prefix="/models", tags=["models"])

    @router.get("", summary="Registered models and which one serves")
    def list_models(_caller: Annotated[Principal, Depends(require_scope(of.reader))]) -> Listing:
        """Each with the metrics of its manifest."""
        serving = of.registry.current_id()
        moves = of.registry.history()[::-1][:20]
        return Listing(
            models=[_model(of, one, serving) for one in of.registry.versions()],
            history=[
                Move(action=one.action, version=one.version, previous=one.previous) for one in moves
            ],
        )

    @router.post("/rollback", summary="Let the model before this one serve again")
    def rollback(_caller: Keeper) -> Model:
        """Answers once it serves; no request fails meanwhile. 409 if nothing served before."""
        try:
            version = of.registry.rollback()
        except ProvenanceError as error:
            raise problem_of(error) from error
        return _serve(of, version)

    @router.post("/{version}/promote", summary="Let a model serve, if the gate lets it")
    def promote(version: VersionId, _caller: Keeper) -> Model:
        """Answers once it serves; no request fails meanwhile. 409 with the gate's reasons."""
        try:
            promoted = of.registry.promote(version, gate=of.gate)
        except ProvenanceError as error:
            raise problem_of(error) from error
        return _serve(of, promoted)

    return router


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


class Follower:
    """Keeps a service at what the registry says, whoever changed it; logs each new trouble once.

    `followed` is set when it has looked for the first time.
    """

    def __init__(self, follow: Callable[[], None]) -> None:
        self.followed = asyncio.Event()
        self._follow = follow
        self._told = ""

    def once(self) -> None:
        """Follow now."""
        try:
            self._follow()
        except ModelUnavailableError as error:
            if str(error) != self._told:
                _log.warning("model_not_loaded", reason=str(error))
            self._told = str(error)
        else:
            self._told = ""

    async def forever(self, seconds: float) -> None:
        """Follow again and again, until cancelled."""
        while True:
            await asyncio.to_thread(self.once)
            self.followed.set()
            await asyncio.sleep(seconds)


def _serve(of: Models, version: Version) -> Model:
    try:
        of.follow()
    except ModelUnavailableError as error:
        raise Problem(409, detail=f"{error}. The model before it goes on serving.") from error
    return _model(of, version, version.id)


def _model(of: Models, version: Version, serving: str | None) -> Model:
    return Model(
        version=version.id,
        kind=of.kind(version),
        serving=version.id == serving,
        sha256=version.files[of.file].sha256,
        metrics=dict(version.manifest.metrics),
        commit=next(reversed(version.origin.commits), None),
    )
