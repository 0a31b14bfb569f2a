"""Runs the service on uvicorn, and stops it so that no request is lost."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import structlog
import uvicorn

from .protocol import ProblemProtocol
from .settings import PREFIX, BadSettings, ServingSettings

if TYPE_CHECKING:
    from .app import Service

_LAST_CALL_SECONDS = 0.2
_LOOK_SECONDS = 0.01
_log = structlog.get_logger("server")


class DrainingServer(uvicorn.Server):
    """Uvicorn that on a signal first stops being ready, pauses, and only then closes its door.

    Uvicorn alone refuses new connections the moment a signal comes, while load balancers still
    send them. A second signal stops at once.
    """

    def __init__(self, app: "Service", config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Remember the loop, for signals arrive outside of it."""
        self._loop = asyncio.get_running_loop()
        for listener in sockets or ():
            # asyncio forgets this for a socket that was made without a protocol number, and what
            # is written later then waits for the caller's delayed acknowledgement of what was
            # written first, 40 ms on Linux. What is accepted inherits it.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the door, then wait a moment for those who came in and have not spoken yet."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(_LOOK_SECONDS)  # whoever is on the threshold has come in by then
        if self.server_state.connections and not self.force_exit:
            await asyncio.sleep(_LAST_CALL_SECONDS)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begin to drain at the first signal; stop at once at the second."""
        if self._draining:
            self.force_exit = True
            self.should_exit = True
        elif self._loop is None:
            self.should_exit = True
        else:
            self._app.lifecycle.drain()
            self._loop.call_soon_threadsafe(self._begin_drain)

    @property
    def _draining(self) -> bool:
        return self.should_exit or self._app.lifecycle.draining

    def _begin_drain(self) -> None:
        pause = self._app.settings.drain_pause_seconds
        _log.info("draining", pause_seconds=pause)
        asyncio.get_running_loop().call_later(pause, self._close_door)

    def _close_door(self) -> None:
        self._app.lifecycle.close_streams()
        self.should_exit = True


def make_server(app: "Service") -> DrainingServer:
    """Return the server that `serve` runs, for whoever brings a socket and a loop."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        http=ProblemProtocol,
        ws="none",
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=app.settings.drain_timeout_seconds,
    )
    return DrainingServer(app, config)


@contextmanager
def in_thread(app: "Service") -> Generator[str]:
    """Serve from a thread on a free loopback port; yield the address once it answers.

    Raises RuntimeError when the application does not start; its log says why.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(app)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the service did not start")
            time.sleep(_LOOK_SECONDS)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def serve(app: "Service", settings: ServingSettings) -> int:
    """Serve until a signal, and drain. Return 0, or 1 if requests had to be cut off.

    Raises BadSettings when the address is taken or not this machine's.
    """
    listener = _listen(settings)
    server = make_server(app)
    address, port = listener.getsockname()[:2]
    _log.info("serving", url=f"http://{_bracketed(address)}:{port}")
    if not settings.api_keys:
        _log.warning("no_api_keys", effect="everybody on this machine may do everything")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # Uvicorn's way to say that the lifespan failed; the reason stands in the log.
        return 1
    finally:
        listener.close()
    clean = server.started and not server.force_exit and not app.lifecycle.cut_off
    _log.info("stopped", clean=clean)
    return 0 if clean else 1


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _listen(settings: ServingSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        line = (
            f"{PREFIX}PORT: can't listen on {settings.host}:{settings.port} "
            f"({reason.lower()}); set {PREFIX}PORT to a free port, or 0 for any"
        )
        raise BadSettings([line]) from None
    return listener
