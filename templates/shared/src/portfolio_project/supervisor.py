"""Keeps worker processes alive: starts them, starts them again when they die, ends them with it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import structlog

_log = structlog.get_logger("supervisor")
_PAUSES = (0.05, 0.2, 1.0, 3.0)
_GRACE_SECONDS = 5.0
_STEADY_SECONDS = 5.0


@dataclass
class Child:
    """One supervised process, started after `delay` seconds.

    One that is to run `once` is done when it ends well.
    `kills` counts those that `kill` did, `restarts` all new starts.
    """

    name: str
    arguments: Sequence[str]
    once: bool = False
    delay: float = 0.0
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    kills: int = 0

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        if self.process is None or self.process.returncode is not None:
            return None
        return self.process.pid


class Supervisor:
    """Runs `python -m package arguments...` for each child, until it is closed."""

    def __init__(self, children: Iterable[Child], environment: Mapping[str, str]) -> None:
        """`environment` is added to this process's own."""
        self.children = {child.name: child for child in children}
        self._environment = {**os.environ, **environment}
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    async def __aenter__(self) -> Self:
        """Start every child."""
        self._tasks = [asyncio.create_task(self._keep(one)) for one in self.children.values()]
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every child: ask, wait, then force."""
        self._closing = True
        processes = [one.process for one in self.children.values() if one.process and one.pid]
        for process in processes:
            with suppress(ProcessLookupError):
                process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                await asyncio.gather(*(process.wait() for process in processes))
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def kill(self, name: str) -> int | None:
        """SIGKILL a child; returns its process id, None if it was not running just then."""
        child = self.children[name]
        pid = child.pid
        if pid is None or child.process is None:
            return None
        child.kills += 1
        child.process.kill()
        return pid

    async def _keep(self, child: Child) -> None:
        failures = 0
        await asyncio.sleep(child.delay)
        while not self._is_closing():
            started = time.monotonic()
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", str(__package__), *child.arguments),
                stdin=asyncio.subprocess.PIPE,  # closed with us, which tells the child to end
                stdout=asyncio.subprocess.DEVNULL,
                env=self._environment,
            )
            code = await child.process.wait()
            if self._is_closing() or (child.once and code == 0):
                return
            lived = time.monotonic() - started
            failures = 0 if lived > _STEADY_SECONDS else min(failures + 1, len(_PAUSES) - 1)
            _log.warning("child_died", child=child.name, code=code, lived_seconds=round(lived, 2))
            await asyncio.sleep(_PAUSES[failures])
            child.restarts += 1

    def _is_closing(self) -> bool:
        return self._closing
