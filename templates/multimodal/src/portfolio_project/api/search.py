"""Search: from any combination of inputs to the documents that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, NamedTuple

import numpy as np
from fastapi import APIRouter, Body, Depends
from fastapi.openapi.models import Example
from pydantic import BaseModel, ConfigDict, Field

from ..embedder import Embedder
from ..errors import UserError
from ..index import Document, Hit, Index, Query, Vector
from ..index.base import normalised
from ..serving import Principal, Problem, Served, Whole, require_scope
from .access import Access, index_problem, insist_on_version, submit
from .embed import AskedVersion
from .examples import PICTURE
from .parts import Modality, Part, insist_on_modality, resolve, together

MAX_HITS = 100
Filters = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=100)],
        Annotated[str, Field(max_length=200)],
    ],
    Field(max_length=20, description="Attributes that must all hold", examples=[{}]),
]
EXAMPLES: dict[str, Example] = {
    "text": {"value": {"query": [{"part": {"kind": "text", "text": "a red circle"}}]}},
    "composed": {
        "summary": "this picture, but blue",
        "value": {
            "query": [
                {"part": {"kind": "image", "data": PICTURE}},
                {"part": {"kind": "text", "text": "blue"}, "weight": 0.8},
            ],
            "target": "image",
            "limit": 5,
        },
    },
}


class Weighted(BaseModel):
    """A part of the question, and how much it counts; what counts below zero is turned away."""

    model_config = ConfigDict(extra="forbid")

    part: Part
    weight: float = Field(default=1.0, ge=-2, le=2, description="Not zero")


class Question(BaseModel):
    """What to look for, and among what."""

    model_config = ConfigDict(extra="forbid")

    query: list[Weighted] = Field(min_length=1, max_length=8)
    target: Modality = Field(
        default="image", description="Which of a document's vectors to compare"
    )
    limit: Whole = Field(default=10, ge=1, le=MAX_HITS)
    filters: Filters = Field(default_factory=dict)
    exact: bool = Field(default=False, description="Compare with every vector")
    model_version: AskedVersion = None


class Found(BaseModel):
    """A document that fits."""

    id: str = Field(examples=["scene-00001"])
    score: float = Field(description="Cosine, -1 to 1", examples=[0.83])
    caption: str | None = Field(examples=["a red circle above a star"])
    attributes: dict[str, str] = Field(examples=[{"first.colour": "red"}])


class Answer(BaseModel):
    """The documents that fit best, best first."""

    model_version: str = Field(examples=["f9d2ca31f30507be"])
    index_version: str = Field(examples=["g1.42"])
    target: Modality
    hits: list[Found]


def search_router(access: Access) -> APIRouter:
    """POST /search."""
    router = APIRouter(tags=["search"])

    @router.post(
        "/search", summary="Find what fits, from anything to anything", responses={404: {}}
    )
    async def search(
        question: Annotated[Question, Body(openapi_examples=EXAMPLES)],
        _caller: Annotated[Principal, Depends(require_scope("search"))],
    ) -> Answer:
        """One part or several: a picture and "but blue" are added as vectors, by their weights.

        Approximate unless `exact`, or unless there are so few documents that exact is as quick.
        """
        with access.slot.lease() as served:
            insist_on_version(question.model_version, served.version)
            insist_on_modality(question.target, served.model)
            vector = await compose(question.query, access, served)
            query = Query(
                vector,
                served.version,
                question.target,
                question.limit,
                question.filters,
                question.exact,
            )
            slow = query.exact or bool(query.filters)  # which the others need not wait for
            look_up = partial(_look_up, access.index)
            found: _Found = await submit(access.searcher, (served.version, slow), look_up, query)
            return Answer(
                model_version=served.version,
                index_version=found.version,
                target=question.target,
                hits=[
                    Found(
                        id=hit.id,
                        score=round(hit.score, 6),
                        caption=document.caption,
                        attributes=dict(document.attributes),
                    )
                    for hit in found.hits
                    if (document := found.documents.get(hit.id)) is not None
                ],
            )

    return router


async def compose(query: Sequence[Weighted], access: Access, served: Served[Embedder]) -> Vector:
    """The weighted sum of the parts' vectors, at unit length. Raises Problem."""
    vectors = await together([resolve(one.part, access, served) for one in query])
    total = np.zeros(served.model.dim, np.float32)
    for one, vector in zip(query, vectors, strict=True):
        total += np.float32(one.weight) * vector
    try:
        return normalised(total)
    except ValueError:
        raise Problem(
            409,
            detail="The parts cancel each other out. Give them other weights.",
            type="urn:problem:empty-query",
        ) from None


class _Found(NamedTuple):
    """What a search came to, the documents behind it, and the state of the index."""

    hits: list[Hit]
    documents: Mapping[str, Document]
    version: str


def _look_up(index: Index, queries: Sequence[Query]) -> list[_Found]:
    """Answer queries of one model."""
    try:
        found = index.search_all(queries)
        documents = index.fetch(sorted({hit.id for hits in found for hit in hits}))
        version = index.version()
    except UserError as error:
        raise index_problem(error) from error
    return [_Found(hits, documents, version) for hits in found]
