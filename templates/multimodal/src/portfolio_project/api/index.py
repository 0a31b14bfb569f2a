"""The index's operations: what it holds, how good it is, and embedding it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from ..errors import UserError
from ..index import Recall, measure_recall
from ..serving import Principal, Problem, require_scope
from .access import Access, index_problem
from .parts import Modality, insist_on_modality

Keeper = Annotated[Principal, Depends(require_scope("models"))]
Reader = Annotated[Principal, Depends(require_scope("search"))]


class IndexState(BaseModel):
    """What the index holds."""

    index_version: str = Field(examples=["g1.42"])
    model_version: str = Field(description="Whose vectors these are", examples=["f9d2ca31f30507be"])
    serving: bool = Field(description="Whether the serving model is the same")
    dim: int
    documents: int
    vectors: dict[str, int] = Field(examples=[{"image": 2000, "text": 2000}])
    rebuilding: bool


class RecallReport(BaseModel):
    """Approximate search beside exact search, on this index, now."""

    target: Modality
    searches: int
    recall_at_10: float = Field(ge=0, le=1)
    exact_ms: float
    approximate_ms: float
    index_version: str


class Rebuilt(BaseModel):
    """How many documents were embedded, and the index after it."""

    embedded: int
    index_version: str
    model_version: str


def index_router(access: Access) -> APIRouter:
    """GET /index, GET /index/recall, POST /index/rebuild."""
    router = APIRouter(prefix="/index", tags=["index"])

    @router.get("", summary="What the index holds")
    def state(_caller: Reader) -> IndexState:
        """Documents, vectors by modality, and whose vectors they are."""
        serving = access.slot.current.version
        try:
            found = access.index.state()
        except UserError as error:
            raise index_problem(error) from error
        return IndexState(
            index_version=found.version,
            model_version=found.model,
            serving=found.model == serving,
            dim=found.dim,
            documents=found.documents,
            vectors=dict(found.vectors),
            rebuilding=access.rebuilding,
        )

    @router.get("/recall", summary="Measure approximate search against exact search")
    def recall(
        _caller: Reader,
        target: Annotated[Modality, Query(description="Which vectors")] = "image",
    ) -> RecallReport:
        """On questions near stored vectors; the same questions each time."""
        insist_on_modality(target, access.slot.current.model)
        found = watch(access, target)
        return RecallReport(
            target=target,
            searches=found.searches,
            recall_at_10=found.recall,
            exact_ms=round(found.exact_ms, 4),
            approximate_ms=round(found.approximate_ms, 4),
            index_version=access.index.version(),
        )

    @router.post("/rebuild", summary="Embed what the serving model has not embedded yet")
    def rebuild(_caller: Keeper) -> Rebuilt:
        """After a snapshot of another model was restored. Searches go on meanwhile."""
        served = access.slot.current
        if access.rebuilding:
            raise Problem(409, detail="A rebuild is under way already.")
        try:
            count = access.fill(served.version, served.model)
            version = access.index.version()
        except UserError as error:
            raise index_problem(error) from error
        return Rebuilt(embedded=count, index_version=version, model_version=served.version)

    return router


def watch(access: Access, target: str) -> Recall:
    """Measure recall now. Raises Problem."""
    served = access.slot.current
    try:
        return measure_recall(access.index, served.version, target, access.settings.recall_sample)
    except UserError as error:
        raise index_problem(error) from error
