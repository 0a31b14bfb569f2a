"""HTTP on a connection: parsed by llhttp, answered in one piece, refused with problem documents."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .problems import MEDIA_TYPE, Problem, phrase, problem_messages

MAX_HEAD_BYTES = 65_536
_MAX_HELD_BYTES = 65_536


class OneWrite:
    """A transport that sends together what is written within one turn of the event loop.

    Uvicorn writes the head and the body of an answer apart: two system calls and two packets,
    where one of each will do.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold `data` until this turn of the loop ends, or until enough is held."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > _MAX_HELD_BYTES:
            self._flush()  # so that whoever writes too much is told to pause

    def close(self) -> None:
        """Send what is held, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self._size = 0
            self._transport.write(data)


class ProblemProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol; what is not HTTP at all is answered with a problem document too.

    The head of a request may have `MAX_HEAD_BYTES`: llhttp itself collects one without end.
    """

    _in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a connection."""
        joined = OneWrite(cast("asyncio.Transport", transport), self.loop)
        super().connection_made(cast("asyncio.Transport", joined))

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Take what has come; refuse a head that goes on and on."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                detail = f"The head of a request may have {MAX_HEAD_BYTES:,} bytes."
                self._refuse(Problem(431, detail=detail))

    def send_400_response(self, msg: str) -> None:
        """Answer a request that can't be parsed, and close the connection."""
        self._refuse(Problem(400, detail=msg))

    def _refuse(self, problem: Problem) -> None:
        _, body = problem_messages(problem)
        self.transport.write(
            b"HTTP/1.1 %d %b\r\nconnection: close\r\ncontent-type: %b\r\n"
            b"content-length: %d\r\n\r\n%b"
            % (
                problem.status,
                phrase(problem.status).encode(),
                MEDIA_TYPE.encode(),
                len(body["body"]),
                body["body"],
            )
        )
        self.transport.close()
