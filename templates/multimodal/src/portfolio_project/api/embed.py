"""Embed: any input becomes a unit vector of the serving model."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field

from ..serving import Principal, require_scope
from .access import Access, insist_on_version
from .examples import PICTURE
from .parts import Embeddable, embed_parts

AskedVersion = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=64,
        description="Answer only if this model serves, else 409",
    ),
]
EXAMPLE = {
    "inputs": [
        {"kind": "text", "text": "a red circle above a star"},
        {"kind": "image", "data": PICTURE},
    ]
}


class ToEmbed(BaseModel):
    """Inputs of any kinds."""

    model_config = ConfigDict(extra="forbid")

    inputs: list[Embeddable] = Field(min_length=1, max_length=64)
    model_version: AskedVersion = None


class Embedded(BaseModel):
    """A vector for each input, in their order."""

    model_version: str = Field(examples=["f9d2ca31f30507be"])
    dim: int = Field(ge=1, examples=[128])
    vectors: list[list[float]] = Field(description="Unit length", examples=[[[0.6, -0.8]]])


def embed_router(access: Access) -> APIRouter:
    """POST /embed."""
    router = APIRouter(tags=["search"])

    @router.post("/embed", summary="Embed texts, pictures, sounds and scenes")
    async def embed(
        asked: Annotated[ToEmbed, Body(openapi_examples={"mixed": {"value": EXAMPLE}})],
        _caller: Annotated[Principal, Depends(require_scope("search"))],
    ) -> Embedded:
        """All lie in one space: the cosine of two vectors says how well two things fit.

        Keep the model's version with a vector. Vectors of another model are refused later.
        """
        with access.slot.lease() as served:
            insist_on_version(asked.model_version, served.version)
            vectors = await embed_parts(asked.inputs, access, served)
            return Embedded(
                model_version=served.version,
                dim=served.model.dim,
                vectors=np.round(np.asarray(vectors, np.float64), 6).tolist(),
            )

    return router
