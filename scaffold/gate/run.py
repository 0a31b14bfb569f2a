"""Verify a project from beginning to end, in a scratch folder that is gone afterwards."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.gate import evidence, source
from scaffold.gate.guard import Guard
from scaffold.gate.steps import Gate, Observer
from scaffold.gate.surroundings import surroundings
from scaffold.nearest import nearest

STEP_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Options:
    """How to verify.

    `steps` names the ones to run (all when empty); `timeout` is in seconds for each step;
    `keep` leaves the clone where it is.
    """

    steps: tuple[str, ...] = ()
    timeout: float = STEP_SECONDS
    keep: bool = False
    fail_fast: bool = False


@dataclass(frozen=True, slots=True)
class Scratch:
    """The folder of one verification, and the guard that removes it if we are killed."""

    folder: Path
    guard: Guard


@contextmanager
def scratch_folder(*, keep: bool = False) -> Generator[Scratch]:
    """Make a scratch folder and remove it at the end, whatever the end is (unless `keep`).

    It stands in the user's cache folder, where uv can link packages instead of copying them and
    the space is not memory; in TMPDIR where the user has set one.
    """
    folder = Path(tempfile.mkdtemp(prefix="verify-", dir=_scratch_parent()))
    with Guard(folder / "tmp" if keep else folder) as guard:
        try:
            yield Scratch(folder, guard)
        finally:
            if not keep:
                _remove(folder)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A clean copy whose gate can run: the chosen steps, and what the user should know first."""

    snapshot: source.Snapshot
    gate: Gate
    steps: list[str]
    fail_fast: bool


def prepare(project: Path, scratch: Scratch, options: Options) -> Prepared:
    """Clone `project` into `scratch` and ask it for its steps.

    Raises:
        ScaffoldError: it is no project, or it has no such step.
    """
    source.require_project(project)
    snapshot = source.take(project, scratch.folder)
    environment = surroundings(snapshot.folder, scratch.folder)
    logs = scratch.folder / "logs"
    logs.mkdir()
    gate = Gate(snapshot.folder, environment, logs, options.timeout, scratch.guard.watch)
    return Prepared(snapshot, gate, _chosen(gate.names(), options.steps), options.fail_fast)


def prove(prepared: Prepared, observer: Observer) -> evidence.Verification:
    """Run the gate step by step and say how it went."""
    started = time.monotonic()
    gate, snapshot = prepared.gate, prepared.snapshot
    steps = tuple(gate.run(prepared.steps, observer, fail_fast=prepared.fail_fast))
    return evidence.Verification(
        project=snapshot.folder.name,
        commit=snapshot.commit,
        steps=steps,
        seconds=time.monotonic() - started,
        notes=snapshot.notes,
        versions=evidence.versions(snapshot.folder, gate.environment),
        hashes=evidence.hashes(snapshot.folder),
    )


def _chosen(offered: list[str], wanted: tuple[str, ...]) -> list[str]:
    for name in wanted:
        if name not in offered:
            near = nearest(name, offered)
            hint = f"Did you mean `--step {near}`?" if near else f"Steps: {', '.join(offered)}."
            raise ScaffoldError(f"the project's gate has no step `{name}`", hint)
    return [name for name in offered if name in wanted] if wanted else offered


def _scratch_parent() -> str | None:
    if os.environ.get("TMPDIR"):
        return None
    cache = os.environ.get("XDG_CACHE_HOME")
    parent = (Path(cache) if cache else Path.home() / ".cache") / "scaffold"
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return str(parent) if os.access(parent, os.W_OK) else None


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    # A test of the project may have left folders without permissions behind.
    for top, folders, _ in os.walk(folder):
        for name in folders:
            (Path(top) / name).chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
