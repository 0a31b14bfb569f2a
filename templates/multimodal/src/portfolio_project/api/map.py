"""The embedding map: documents in two dimensions, near where they are near in all of them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from ..errors import UserError
from ..index import Vector
from ..serving import Principal, require_scope
from .access import Access, index_problem
from .parts import Modality, insist_on_modality


class Point(BaseModel):
    """A document's place on the map, each coordinate between -1 and 1."""

    id: str
    x: float = Field(ge=-1, le=1)
    y: float = Field(ge=-1, le=1)
    caption: str | None
    attributes: dict[str, str]


class Map(BaseModel):
    """Places by the two directions in which the vectors differ most (PCA)."""

    points: list[Point]
    explained: float = Field(ge=0, le=1, description="Share of the variance that the map shows")
    model_version: str
    index_version: str


def map_router(access: Access) -> APIRouter:
    """GET /map."""
    router = APIRouter(tags=["search"])

    @router.get("/map", summary="Documents on a plane, like near like")
    def embedding_map(
        _caller: Annotated[Principal, Depends(require_scope("search"))],
        target: Annotated[Modality, Query(description="Which vectors")] = "image",
        limit: Annotated[int, Query(ge=1, le=2_000, description="How many documents")] = 400,
    ) -> Map:
        """The first documents of the index; a projection shows less than there is."""
        with access.slot.lease() as served:
            insist_on_modality(target, served.model)
            try:
                ids, vectors = access.index.sample(target, served.version, limit)
                found = access.index.fetch(ids)
                version = access.index.version()
            except UserError as error:
                raise index_problem(error) from error
            places, explained = project(vectors)
            return Map(
                points=[
                    Point(
                        id=name,
                        x=round(float(x), 4),
                        y=round(float(y), 4),
                        caption=document.caption,
                        attributes=dict(document.attributes),
                    )
                    for name, (x, y) in zip(ids, places, strict=True)
                    if (document := found.get(name)) is not None
                ],
                explained=round(explained, 4),
                model_version=served.version,
                index_version=version,
            )

    return router


def project(vectors: Vector) -> tuple[Vector, float]:
    """Places (n, 2) within -1 and 1 on the two principal components, and the variance they show."""
    if len(vectors) < 3:
        return np.zeros((len(vectors), 2), np.float32), 0.0
    centred = vectors - vectors.mean(axis=0)
    _, strength, directions = np.linalg.svd(centred, full_matrices=False)
    places = centred @ directions[:2].T
    places /= max(float(np.abs(places).max()), 1e-9)
    total = float((strength**2).sum())
    share = float((strength[:2] ** 2).sum()) / total if total else 0.0
    return places.astype(np.float32), min(share, 1.0)
