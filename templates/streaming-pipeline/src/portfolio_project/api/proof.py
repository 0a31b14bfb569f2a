"""Whether training again gives the same bytes, as the last reproduction found."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ..provenance.reproduction_report import read_reproduction
from ..scorer import MODEL_FILE
from ..train import ALGORITHMS, algorithm_of
from .access import Access
from .decisions import Reader


class Proof(BaseModel):
    """The model's hash, and that of a second training."""

    status: Literal["same", "different", "pending"] = Field(
        description="pending until the newest model has been trained a second time"
    )
    model_sha256: list[str] = Field(description="First and second training, as far as known")
    verdicts: list[str] = Field(
        examples=[["ingest: reproduced, 1 outputs byte for byte"]],
        description="One line for each run that was repeated",
    )


def proof_router(access: Access) -> APIRouter:
    """GET /reproduction."""
    router = APIRouter(tags=["models"])

    @router.get("/reproduction", summary="Does training again give the same bytes?")
    def get_reproduction(_caller: Reader) -> Proof:
        """What `reproduce` found for the newest model of the main algorithm."""
        report = read_reproduction(access.settings.reports_dir)
        mine = [one for one in access.registry.versions() if algorithm_of(one) == ALGORITHMS[-1]]
        first = [one.files[MODEL_FILE].sha256 for one in mine[-1:]]
        if report is None or report.model_sha256[:1] != first:
            return Proof(status="pending", model_sha256=first, verdicts=[])
        return Proof(
            status="same" if report.same else "different",
            model_sha256=report.model_sha256,
            verdicts=report.verdicts,
        )

    return router
