"""Explain: which words and which regions carried a match."""

from __future__ import annotations

import asyncio
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field

from ..embedder import Embedder
from ..errors import UserError
from ..explanation import GRID, weigh_regions, weigh_words
from ..index import Vector
from ..preprocess import BadMedia, decode_image
from ..serving import Principal, Problem, require_scope
from ..serving_model import limits_of
from .access import Access, index_problem, insist_on_version
from .embed import AskedVersion
from .parts import DocumentId, TextPart, insist_on_modality, media_problem
from .search import Weighted, compose

MAX_WORDS = 40
EXAMPLE = {
    "query": [{"part": {"kind": "text", "text": "a red circle above a star"}}],
    "document": "scene-00001",
}


class ToExplain(BaseModel):
    """A question, and one of the documents that answered it."""

    model_config = ConfigDict(extra="forbid")

    query: list[Weighted] = Field(min_length=1, max_length=8)
    document: DocumentId
    model_version: AskedVersion = None


class WordWeight(BaseModel):
    """A word, and how much the cosine falls without it."""

    word: str
    weight: float


class Explanation(BaseModel):
    """What the match rests on. Negative: the match would be better without it."""

    score: float = Field(description="Cosine of question and picture")
    words: list[WordWeight] = Field(description="Of the question's texts, in their order")
    regions: list[list[float]] = Field(description="Of the picture, rows from the top")
    model_version: str
    index_version: str


def explain_router(access: Access) -> APIRouter:
    """POST /explain."""
    router = APIRouter(tags=["search"])

    @router.post("/explain", summary="Which words and regions carried a match", responses={404: {}})
    async def explain(
        asked: Annotated[ToExplain, Body(openapi_examples={"text": {"value": EXAMPLE}})],
        _caller: Annotated[Principal, Depends(require_scope("search"))],
    ) -> Explanation:
        """Hides words and patches one after another, and asks the model again each time."""
        with access.slot.lease() as served:
            insist_on_version(asked.model_version, served.version)
            insist_on_modality("image", served.model)
            against = await compose(asked.query, access, served)
            texts = [one.part.text for one in asked.query if isinstance(one.part, TextPart)]
            if sum(len(text.split()) for text in texts) > MAX_WORDS:
                raise Problem(
                    409,
                    detail=f"Explain at most {MAX_WORDS} words at once.",
                    type="urn:problem:too-long-to-explain",
                )
            return await asyncio.to_thread(
                _explain, access, served.model, served.version, asked.document, against, texts
            )

    return router


def _explain(  # noqa: PLR0913, PLR0917 - what it is made from
    access: Access,
    embedder: Embedder,
    version: str,
    document: str,
    against: Vector,
    texts: list[str],
) -> Explanation:
    try:
        found = access.index.get(document, media=True)
        index_version = access.index.version()
    except UserError as error:
        raise index_problem(error) from error
    if found is None or "image" not in found.media:
        raise Problem(404, detail=f"There is no document {document} with a picture.")
    try:
        limits = limits_of(access.settings, embedder)
        pixels = decode_image(found.media["image"].data, embedder.spec.image_side, limits)
    except BadMedia as error:
        raise media_problem(error, "image") from None
    picture = embedder.image(pixels[None])[0]
    words = [one for text in texts for one in weigh_words(embedder, text, picture)]
    regions = weigh_regions(embedder, pixels, against)
    assert regions.shape == (GRID, GRID)
    return Explanation(
        score=round(float(np.dot(picture, against)), 6),
        words=[WordWeight(word=one.word, weight=round(one.weight, 6)) for one in words],
        regions=[[round(float(x), 6) for x in row] for row in regions],
        model_version=version,
        index_version=index_version,
    )
