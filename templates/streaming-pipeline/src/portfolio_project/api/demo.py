"""Routes that only the demo has: break something on purpose, and see what the pipeline does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from ..serving import Principal, Problem, require_scope
from ..supervisor import Supervisor


class Killed(BaseModel):
    """The worker got a SIGKILL."""

    pid: int = Field(ge=1)
    kills: int = Field(ge=1)


class Drift(BaseModel):
    """Whether the simulated world pays more than it did."""

    on: bool


Player = Annotated[Principal, Depends(require_scope("demo"))]


def demo_router(supervisor: Supervisor, drift_path: Path) -> APIRouter:
    """POST /demo/kill-worker, GET and POST /demo/drift."""
    router = APIRouter(prefix="/demo", tags=["demo"])

    @router.post("/kill-worker", summary="SIGKILL the worker process")
    async def kill_worker(
        _caller: Player,
    ) -> Killed:
        """In the middle of whatever it does. It is started again; 409 while it is not up."""
        pid = supervisor.kill("worker")
        if pid is None:
            raise Problem(
                409, detail="The worker is just being started again.", headers={"Retry-After": "1"}
            )
        return Killed(pid=pid, kills=supervisor.children["worker"].kills)

    @router.get("/drift", summary="Whether the simulated world has been changed")
    def get_drift(_caller: Player) -> Drift:
        """A drift that was made here lasts until it is taken back."""
        return Drift(on=drift_path.exists())

    @router.post("/drift", summary="Change the simulated world, or take that back")
    def set_drift(drift: Drift, _caller: Player) -> Drift:
        """Let everybody pay 1.7 times as much; the monitor should notice within the day."""
        if drift.on:
            drift_path.touch()
        else:
            drift_path.unlink(missing_ok=True)
        return drift

    return router
