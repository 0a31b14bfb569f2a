"""Run a project's own gate: `make -s gate-steps` names the steps, `make gate-STEP` runs one."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from scaffold.errors import ScaffoldError
from scaffold.gate.excerpt import closing_line, headline, what_matters
from scaffold.process import Watch, run

Status = Literal["passed", "failed", "timeout", "skipped"]

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_LISTING_SECONDS = 60.0
_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended, after `seconds` of wall time.

    `summary` is one line (what was shown, or why there is no result), `excerpt` the lines of a
    failed step's output that matter, `log` all of it.
    """

    name: str
    status: Status
    seconds: float = 0.0
    summary: str = ""
    excerpt: tuple[str, ...] = ()
    log: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether the step passed."""
        return self.status == "passed"


class Observer(Protocol):
    """Who looks on while the gate runs."""

    def begin(self, name: str) -> None:
        """The step starts."""

    def tick(self, name: str, seconds: float, last_line: str) -> None:
        """The step has run for `seconds`, and `last_line` is what it wrote last."""

    def end(self, result: StepResult) -> None:
        """The step has ended, or is skipped."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Where and how the steps run; `watch` is told each process group's id (0: none runs)."""

    project: Path
    environment: Mapping[str, str]
    logs: Path
    timeout: float
    watch: Callable[[int], None]

    def names(self) -> list[str]:
        """Ask the project for its steps, in order.

        Raises:
            ScaffoldError: make is absent or its answer is no list of steps.
        """
        try:
            asked = run(
                ["make", "-s", "gate-steps"],
                cwd=self.project,
                env=self.environment,
                timeout=_LISTING_SECONDS,
            )
        except FileNotFoundError:
            raise ScaffoldError("make is not installed", "`scaffold doctor` says how.") from None
        names = asked.stdout.split()
        if not asked.ok or not names or not all(map(_NAME.fullmatch, names)):
            said = asked.complaint if not asked.ok else "its answer is no list of steps"
            raise ScaffoldError(f"`make -s gate-steps` failed ({said})", exit_code=1)
        return names

    def run(self, names: list[str], observer: Observer, *, fail_fast: bool) -> Iterator[StepResult]:
        """Run the steps one after another.

        The first step makes the environment, so nothing can follow where it fails; after another
        failure the rest still runs, unless `fail_fast`.
        """
        failed = ""
        for position, name in enumerate(names):
            if failed:
                result = StepResult(name, "skipped", summary=f"{failed} failed")
            else:
                observer.begin(name)
                result = self._run_step(name, observer)
                if not result.ok and (fail_fast or position == 0):
                    failed = name
            observer.end(result)
            yield result

    def _run_step(self, name: str, observer: Observer) -> StepResult:
        log = self.logs / f"{name}.log"
        outcome = run(
            ["make", f"gate-{name}"],
            cwd=self.project,
            env=self.environment,
            timeout=self.timeout,
            watch=Watch(log, self.watch, lambda s: observer.tick(name, s, _last_line(log))),
        )
        self.watch(0)
        # Paths within the project say where; the scratch folder's own would only mislead.
        output = log.read_text("utf-8", errors="replace").replace(f"{self.project}{os.sep}", "")
        if outcome.ok:
            return StepResult(name, "passed", outcome.seconds, closing_line(name, output), log=log)
        excerpt = tuple(what_matters(output))
        if outcome.timed_out:
            why = f"still running after {self.timeout:g} s (--timeout)"
            return StepResult(name, "timeout", outcome.seconds, why, excerpt, log)
        why = headline(excerpt) or f"exit status {outcome.returncode}"
        return StepResult(name, "failed", outcome.seconds, why, excerpt, log)


def _last_line(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - _TAIL_BYTES))
        lines = stream.read().decode("utf-8", errors="replace").split("\n")
    written = [line.rsplit("\r", 1)[-1].strip() for line in lines]
    return next((line for line in reversed(written) if line), "")
