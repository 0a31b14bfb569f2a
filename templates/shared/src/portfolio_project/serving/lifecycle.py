"""Where the service stands between its start and its end: starting, ready, draining."""

from collections.abc import Callable
from enum import Enum


class Phase(Enum):
    """The phases, in their order."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Lifecycle:
    """The phase, and the open streams that have to be told when it ends."""

    def __init__(self) -> None:
        self.phase = Phase.STARTING
        self.streams_closing = False
        self.cut_off = 0  # requests that were not finished when the service had to stop
        self._streams: set[Callable[[], None]] = set()

    @property
    def draining(self) -> bool:
        """Whether the service is on its way out."""
        return self.phase is Phase.DRAINING

    @property
    def open_streams(self) -> int:
        """How many event streams are open."""
        return len(self._streams)

    def started(self) -> None:
        """Become ready, unless a stop was asked for meanwhile."""
        if self.phase is Phase.STARTING:
            self.phase = Phase.READY

    def drain(self) -> None:
        """Stop being ready. Requests are still served."""
        self.phase = Phase.DRAINING

    def close_streams(self) -> None:
        """End each open stream after the event that it is sending, and any that still opens."""
        self.streams_closing = True
        for end in tuple(self._streams):
            end()

    def stream_opened(self, end: Callable[[], None]) -> None:
        """Remember a stream; `end` closes it."""
        self._streams.add(end)
        if self.streams_closing:
            end()

    def stream_closed(self, end: Callable[[], None]) -> None:
        """Forget a stream."""
        self._streams.discard(end)
