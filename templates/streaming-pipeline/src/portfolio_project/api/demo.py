"""Routes that only the demo has: break something on purpose, and see what the pipeline does."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from ..serving import Principal, Problem, require_scope
from ..supervisor import Supervisor


class Killed(BaseModel):
    """The worker got a SIGKILL."""

    pid: int = Field(ge=1)
    kills: int = Field(ge=1)


def demo_router(supervisor: Supervisor) -> APIRouter:
    """POST /demo/kill-worker."""
    router = APIRouter(prefix="/demo", tags=["demo"])

    @router.post("/kill-worker", summary="SIGKILL the worker process")
    async def kill_worker(
        _caller: Annotated[Principal, Depends(require_scope("demo"))],
    ) -> Killed:
        """In the middle of whatever it does. It is started again; 409 while it is not up."""
        pid = supervisor.kill("worker")
        if pid is None:
            raise Problem(
                409, detail="The worker is just being started again.", headers={"Retry-After": "1"}
            )
        return Killed(pid=pid, kills=supervisor.children["worker"].kills)

    return router
