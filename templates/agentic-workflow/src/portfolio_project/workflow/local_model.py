"""Serves the project's own model on a free loopback port of this process, over real HTTP."""

import secrets
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from ..policy_model.model import PolicyModel
from ..policy_model.wire import bare_router
from ..serving import ModelSlot
from ..serving.problems import Problem, install, send_problem


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model answers, and the key that it wants."""

    url: str
    key: str


@contextmanager
def served(slot: ModelSlot[PolicyModel]) -> Generator[Endpoint]:
    """Serve the slot's model for as long as the context lasts."""
    key = secrets.token_hex(16)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    install(app)
    app.include_router(bare_router(slot), prefix="/v1")
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        _Locked(app, key), log_config=None, access_log=False, lifespan="off", server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="model", daemon=True)
    thread.start()
    try:
        yield Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", key)
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


class _Locked:
    """Lets only this process in: the key is made anew with each start."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope.get("headers", ())).get(b"authorization", b"")
        if not secrets.compare_digest(given, self._expected):
            await send_problem(Problem(401, detail="This endpoint belongs to its process."), send)
            return
        await self._app(scope, receive, send)
