"""Dynamic batching: what waits at the same time is worked on together.

Nothing waits for a batch to fill while there is nobody else; under load batches form by
themselves, because inputs gather while those before them are worked on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, Self

Work = Callable[[Sequence[Any]], Iterable[Any]]
"""Makes of n inputs n outputs, in their order."""


class QueueFullError(Exception):
    """As many inputs wait as may wait, or one waited too long; try again shortly."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the queue.

    Attributes:
        size: inputs that are worked on together, at most.
        threads: batches that are worked on at the same time.
        wait: seconds that the first input of a batch waits for others that are on their way.
        queue: inputs that may wait; more are refused.
        patience: seconds after which an input that still waits is refused.
    """

    size: int = 32
    threads: int = 1
    wait: float = 0.0
    queue: int = 256
    patience: float = 5.0


@dataclass(slots=True)
class _Waiting:
    """An input, where its output goes, and since when it waits."""

    value: Any
    answer: asyncio.Future[Any]
    since: float


@dataclass(slots=True)
class Statistics:
    """What went through: `inputs` in `batches`, the largest of `largest`; `refused` did not."""

    inputs: int = 0
    batches: int = 0
    largest: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Line:
    """The inputs that one function works on."""

    work: Work
    waiting: deque[_Waiting] = field(default_factory=deque)


class Batcher:
    """Works in threads of its own. Use it as an async context manager, in one event loop."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.statistics = Statistics()
        self._lines: dict[object, _Line] = {}
        self._waiting = 0
        self._begins = False
        self._batches: dict[asyncio.Future[Iterable[Any]], list[_Waiting]] = {}
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="batch")

    async def __aenter__(self) -> Self:
        """Be ready."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop; what still waits is refused."""
        for batch in (*self._batches.values(), *(line.waiting for line in self._lines.values())):
            for one in batch:
                _refuse(one, "the service stops")
        self._lines.clear()
        self._waiting = 0
        self._threads.shutdown()

    async def submit(self, key: object, work: Work, values: Sequence[Any]) -> list[Any]:
        """Return what `work` makes of `values`, together with what others bring under `key`.

        `work` must be the same for the same key. Raises QueueFullError, and whatever `work` raises.
        """
        if self._waiting + len(values) > self.limits.queue:
            self.statistics.refused += len(values)
            raise QueueFullError(f"{self._waiting} inputs wait already")
        line = self._lines.setdefault(key, _Line(work))
        loop, now = asyncio.get_running_loop(), monotonic()
        mine = [_Waiting(value, loop.create_future(), now) for value in values]
        line.waiting.extend(mine)
        self._waiting += len(mine)
        self._begin_soon(loop)
        try:
            return [await one.answer for one in mine]
        finally:
            for one in mine:
                _let_go(one.answer)

    def _begin_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin when all who come in this turn of the loop are here."""
        if not self._begins and len(self._batches) < self.limits.threads:
            self._begins = True
            loop.call_soon(self._gather, loop)

    def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.limits.wait and 1 < self._waiting < self.limits.size:
            loop.call_later(self.limits.wait, self._begin, loop)
        else:
            self._begin(loop)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give each idle thread a batch."""
        self._begins = False
        while len(self._batches) < self.limits.threads:
            line, batch = self._next()
            if line is None:
                return
            values = [one.value for one in batch]
            made = loop.run_in_executor(self._threads, line.work, values)
            self._batches[made] = batch
            made.add_done_callback(partial(self._end, loop))

    def _next(self) -> tuple[_Line | None, list[_Waiting]]:
        """Take the line whose first input waits longest, and as many of it as fit a batch."""
        oldest: _Line | None = None
        for key, line in list(self._lines.items()):
            self._drop_stale(line)
            if not line.waiting:
                del self._lines[key]
            elif oldest is None or line.waiting[0].since < oldest.waiting[0].since:
                oldest = line
        if oldest is None:
            return None, []
        count = min(self.limits.size, len(oldest.waiting))
        self._waiting -= count
        return oldest, [oldest.waiting.popleft() for _ in range(count)]

    def _drop_stale(self, line: _Line) -> None:
        """Forget inputs whose callers have gone, and refuse those that waited too long."""
        late = monotonic() - self.limits.patience
        while line.waiting and (line.waiting[0].answer.done() or line.waiting[0].since < late):
            one = line.waiting.popleft()
            self._waiting -= 1
            self.statistics.refused += not one.answer.done()
            _refuse(one, f"it waited {self.limits.patience:g} s")

    def _end(self, loop: asyncio.AbstractEventLoop, made: asyncio.Future[Iterable[Any]]) -> None:
        """Hand out what a batch came to, and begin the next one."""
        batch = self._batches.pop(made)
        error = made.exception()
        if error is None:
            self.statistics.inputs += len(batch)
            self.statistics.batches += 1
            self.statistics.largest = max(self.statistics.largest, len(batch))
            for one, output in zip(batch, made.result(), strict=True):
                if not one.answer.done():
                    one.answer.set_result(output)
        else:
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)
        if self._waiting:
            self._begin_soon(loop)


def _let_go(answer: asyncio.Future[Any]) -> None:
    """Nobody waits for this any more; if it failed, whoever asked knows that already."""
    if not answer.cancel() and not answer.cancelled():
        answer.exception()


def _refuse(one: _Waiting, reason: str) -> None:
    if not one.answer.done():
        one.answer.set_exception(QueueFullError(reason))
