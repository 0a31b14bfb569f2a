"""Start other programs so that none of them outlives us.

Each program gets a session of its own: no terminal to prompt on, and one process group to
end. A time limit, Ctrl-C, SIGTERM (the command line turns it into an exception) or any other
exception ends the whole group, and so does the program's own end (what it left in the background
goes with it).
"""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

GRACE_SECONDS = 2.0
"""How long an ended group may take to clean up before it is killed."""

_KILLED_SECONDS = 1.0  # a killed process is gone at once, but not before this returns

TICK_SECONDS = 0.1
"""How often `run` calls `on_tick` while it waits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended. `returncode` is negative for a signal; `seconds` is wall time."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with status 0."""
        return self.returncode == 0 and not self.timed_out

    @property
    def complaint(self) -> str:
        """The last line that it wrote, from stderr where there is one."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return lines[-1].strip() if lines else f"exit status {self.returncode}"


@dataclass(frozen=True, slots=True)
class Watch:
    """How to follow a long run.

    `log` is a file that takes stdout and stderr as they come (the outcome's fields stay empty);
    `on_start` is called once with the process group's id, `on_tick` about ten times a second with
    the seconds since the start.
    """

    log: Path
    on_start: Callable[[int], None]
    on_tick: Callable[[float], None]


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """Run `command` to its end and return what it wrote.

    Args:
        command: the program and its arguments; no shell is involved.
        cwd: where it runs; here by default.
        env: its whole environment; ours by default.
        timeout: seconds after which its group is ended and `timed_out` is set.
        watch: follow it while it runs.

    Raises:
        OSError: the program cannot be started.
    """
    started = time.monotonic()
    with _outputs(watch.log if watch else None) as (out, err), ExitStack() as ending:
        with _stops_deferred():
            process = subprocess.Popen(
                [os.fspath(part) for part in command],
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            ending.callback(end_group, process)
        if watch is not None:
            watch.on_start(process.pid)
        timed_out = not _wait(process, started, timeout, watch.on_tick if watch else None)
        ending.close()
        return Outcome(
            process.returncode,
            "" if watch else _text(out),
            "" if watch else _text(err),
            time.monotonic() - started,
            timed_out,
        )


def end_group(process: "subprocess.Popen[bytes]", grace: float = GRACE_SECONDS) -> None:
    """End what is left of the process group that `process` leads, and reap `process`."""
    try:
        _signal_group(process.pid, signal.SIGTERM)
        _await_end(process, grace)
    finally:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()
        _await_end(process, _KILLED_SECONDS)


def _await_end(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _group_lives(process) and time.monotonic() < deadline:
        time.sleep(0.02)


@contextmanager
def _stops_deferred() -> Generator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP wait until the block ends.

    A program that has just been started would be lost if an exception came before its process
    is known to us, and would outlive us.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread only, so no exception comes here
        return
    caught: list[int] = []
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    stops = [getattr(signal, name) for name in names if hasattr(signal, name)]
    handlers = {stop: signal.getsignal(stop) for stop in stops}
    for stop, handler in handlers.items():
        if callable(handler):
            signal.signal(stop, lambda number, _frame: caught.append(number))
    try:
        yield
    finally:
        for stop, handler in handlers.items():
            if callable(handler):
                signal.signal(stop, handler)
        for stop in caught[:1]:
            signal.raise_signal(stop)


@contextmanager
def _outputs(log: Path | None) -> Generator[tuple[IO[bytes], IO[bytes]]]:
    # Files, not pipes: a stray background process that keeps a pipe open would hang the reader.
    if log is not None:
        with log.open("wb") as both:
            yield both, both
        return
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        yield out, err


def _wait(
    process: "subprocess.Popen[bytes]",
    started: float,
    timeout: float | None,
    on_tick: Callable[[float], None] | None,
) -> bool:
    while True:
        elapsed = time.monotonic() - started
        left = None if timeout is None else timeout - elapsed
        if left is not None and left <= 0:
            return False
        if on_tick is not None:
            on_tick(elapsed)
            left = TICK_SECONDS if left is None else min(left, TICK_SECONDS)
        with suppress(subprocess.TimeoutExpired):
            process.wait(left)
            return True


def _group_lives(process: "subprocess.Popen[bytes]") -> bool:
    process.poll()  # a leader that we have not reaped would still count as alive
    try:
        os.killpg(process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", errors="replace")
