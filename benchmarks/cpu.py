"""Measure what a command costs: the CPU seconds of its process and all that it waited for."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Prepare = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Contender:
    """A command, and what has to be so before each of its runs."""

    name: str
    command: Sequence[str]
    prepare: Prepare = lambda: None


def cpu_seconds(command: Sequence[str], cwd: Path, environment: dict[str, str]) -> float:
    """User plus system CPU seconds of one run, children included; raises if the run fails."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def compare(
    contenders: Sequence[Contender], cwd: Path, environment: dict[str, str], rounds: int
) -> dict[str, float]:
    """Median CPU seconds of each contender; rounds alternate, so that noise hits all alike."""
    measured: dict[str, list[float]] = {each.name: [] for each in contenders}
    for number in range(rounds + 1):
        for each in contenders:
            each.prepare()
            seconds = cpu_seconds(each.command, cwd, environment)
            if number:  # the first round warms caches
                measured[each.name].append(seconds)
    return {name: statistics.median(seconds) for name, seconds in measured.items()}
