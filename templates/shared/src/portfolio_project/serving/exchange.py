"""One request and its answer, as every part of the serving room sees it."""

import os
import re
from contextvars import ContextVar
from time import perf_counter

from starlette.types import Scope

from .principal import Principal

_ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._\-]{8,64}").fullmatch


class Exchange:
    """What is known of a request while it is answered.

    `headers` holds the request's headers by lower-case name (the last one wins); `answer_headers`
    is what the service adds to the response; `status` is 0 until the response starts.
    """

    __slots__ = (
        "answer_headers",
        "headers",
        "method",
        "model_version",
        "path",
        "principal",
        "request_id",
        "started",
        "status",
        "streaming",
    )

    def __init__(self, scope: Scope) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        offered = self.headers.get(b"x-request-id", b"")
        self.request_id = offered.decode() if _ACCEPTABLE_ID(offered) else os.urandom(16).hex()
        self.started = perf_counter()
        self.principal: Principal | None = None
        self.status = 0
        self.streaming = False
        self.model_version: str | None = None
        self.answer_headers: list[tuple[bytes, bytes]] = []


current_exchange: ContextVar[Exchange | None] = ContextVar("current_exchange", default=None)
