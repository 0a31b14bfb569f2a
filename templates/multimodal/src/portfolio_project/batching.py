"""Dynamic batching: inputs that wait at the same time go through the model together.

Nothing waits for a batch to fill while the model is idle and nobody else is there; under load
batches form by themselves, because inputs gather while the model works.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Work = Callable[[Sequence[Any]], NDArray[np.float32]]
"""Embeds n inputs of one kind into (n, dim)."""


class QueueFullError(Exception):
    """As many inputs wait as may wait, or one waited too long; try again shortly."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the queue.

    Attributes:
        size: inputs that go through the model together, at most.
        wait: seconds that the first input of a batch waits for others that are on their way.
        queue: inputs that may wait; more are refused.
        patience: seconds after which an input that still waits is refused.
    """

    size: int = 32
    wait: float = 0.002
    queue: int = 256
    patience: float = 5.0


@dataclass(slots=True)
class _Waiting:
    """An input, where its answer goes, and since when it waits."""

    value: Any
    answer: asyncio.Future[Vector]
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
    """The inputs that one function embeds."""

    work: Work
    waiting: deque[_Waiting] = field(default_factory=deque)


class Batcher:
    """One model at work at a time, in a thread of its own. Use it as an async context manager."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.statistics = Statistics()
        self._lines: dict[object, _Line] = {}
        self._waiting = 0
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to work."""
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop; what still waits is refused."""
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        for line in self._lines.values():
            for one in line.waiting:
                _refuse(one, "the service stops")
        self._thread.shutdown()

    async def embed(self, key: object, work: Work, values: Sequence[Any]) -> NDArray[np.float32]:
        """Embed `values`, shape (n, dim), together with what others bring under the same `key`.

        `key` names the model and the kind of input: `work` must be the same for the same key.
        Raises QueueFullError, and whatever `work` raises.
        """
        if self._waiting + len(values) > self.limits.queue:
            self.statistics.refused += len(values)
            raise QueueFullError(f"{self._waiting} inputs wait already")
        line = self._lines.setdefault(key, _Line(work))
        loop, now = asyncio.get_running_loop(), monotonic()
        mine = [_Waiting(value, loop.create_future(), now) for value in values]
        line.waiting.extend(mine)
        self._waiting += len(mine)
        self._wake.set()
        try:
            return np.stack([await one.answer for one in mine])
        finally:
            for one in mine:
                _let_go(one.answer)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            if self.limits.wait and 1 < self._waiting < self.limits.size:
                await asyncio.sleep(self.limits.wait)
            line, batch = self._next()
            if not batch:
                self._wake.clear()
                continue
            await self._embed(line, batch)

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

    async def _embed(self, line: _Line | None, batch: list[_Waiting]) -> None:
        assert line is not None
        loop = asyncio.get_running_loop()
        values = [one.value for one in batch]
        try:
            vectors = await loop.run_in_executor(self._thread, line.work, values)
        except asyncio.CancelledError:
            for one in batch:
                _refuse(one, "the service stops")
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to those who asked
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)
            return
        self.statistics.inputs += len(batch)
        self.statistics.batches += 1
        self.statistics.largest = max(self.statistics.largest, len(batch))
        for one, vector in zip(batch, vectors, strict=True):
            if not one.answer.done():
                one.answer.set_result(vector)


def _let_go(answer: asyncio.Future[Vector]) -> None:
    """Nobody waits for this any more; if it failed, whoever asked knows that already."""
    if not answer.cancel() and not answer.cancelled():
        answer.exception()


def _refuse(one: _Waiting, reason: str) -> None:
    if not one.answer.done():
        one.answer.set_exception(QueueFullError(reason))
