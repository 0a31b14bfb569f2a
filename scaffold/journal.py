"""A journal beside git's own files, so that a change of the work tree is whole or is undone.

Before the first visible change, the journal holds the old files (hard links), the new ones, both
indexes and a list of what goes where. Each step after that is one rename or one removal. So after
a kill at any moment :func:`undo` finds what it needs; it can itself be killed and run again.

    GIT_DIR/scaffold/journal.json   what is being done; present from the first to the last step
    GIT_DIR/scaffold/old/N          the file that the Nth path had
    GIT_DIR/scaffold/new/PATH       the file that it gets, until it's moved into place
    GIT_DIR/scaffold/index.old, index.new
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scaffold.errors import ScaffoldError

try:
    import fcntl
except ImportError:  # Windows: only git's own lock keeps two runs apart
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Generator

    from scaffold.checkout import Checkout

FOLDER = "scaffold"
_LOCK_NOTE = "held by scaffold; `scaffold update --abort` removes it\n"


@dataclass(frozen=True, slots=True)
class Step:
    """One path: ``old`` and ``new`` say whether it's there before and afterwards.

    ``mark`` tells the new file from an edited one: its size and time of modification.
    """

    path: str
    old: bool
    new: bool
    mark: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Journal:
    """What was done, or is being done, to a work tree. Paths are relative to its top."""

    verb: str
    state: Literal["applying", "applied"]
    head: str
    steps: tuple[Step, ...] = ()
    made: tuple[str, ...] = field(default=())


def room(checkout: Checkout) -> Path:
    """Return the journal's folder."""
    return checkout.git_dir / FOLDER


def read(checkout: Checkout) -> Journal | None:
    """Return the journal, or None when there is none."""
    try:
        text = (room(checkout) / "journal.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    values = json.loads(text)
    steps = tuple(
        Step(each["path"], each["old"], each["new"], tuple(each["mark"]) if each["mark"] else None)
        for each in values["steps"]
    )
    return Journal(
        values["verb"], values["state"], values["head"], steps, made=tuple(values["made"])
    )


def write(checkout: Checkout, journal: Journal) -> None:
    """Write the journal so that it survives a power cut, with all that lies beside it."""
    folder = room(checkout)
    fresh = folder / "journal.new"
    fresh.write_text(json.dumps(asdict(journal)), encoding="utf-8")
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync(Path(parent) / name)
        _sync(Path(parent))
    fresh.replace(folder / "journal.json")
    _sync(folder)


@contextlib.contextmanager
def alone(checkout: Checkout) -> Generator[None]:
    """Keep other runs of ours, and git, away from the work tree while the block runs.

    Raises:
        ScaffoldError: somebody else is at work.
    """
    with only_run(checkout):
        remove_dead_lock(checkout)
        with _index_locked(checkout.git_dir / "index.lock"):
            yield


@contextlib.contextmanager
def only_run(checkout: Checkout) -> Generator[None]:
    """Keep other runs of ours away; a dead process gives its lock back.

    Raises:
        ScaffoldError: one is at work.
    """
    handle = os.open(checkout.git_dir, os.O_RDONLY)
    try:
        _lock(handle)
        yield
    except BlockingIOError:
        raise ScaffoldError("another scaffold is at work here", "Wait for it.", 1) from None
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def _index_locked(lock: Path) -> Generator[None]:
    try:
        handle = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        raise ScaffoldError(
            f"another git process holds {lock}", "Wait for it, or remove the file if it died.", 1
        ) from None
    except OSError as error:
        raise ScaffoldError(f"{lock} can't be made: {error.strerror}", exit_code=1) from error
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(_LOCK_NOTE)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def remove_dead_lock(checkout: Checkout) -> None:
    """Remove git's index lock if a killed run of ours has left it."""
    lock = checkout.git_dir / "index.lock"
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        if lock.read_text(encoding="utf-8") == _LOCK_NOTE:
            lock.unlink()


def begin(checkout: Checkout) -> Path:
    """Return the journal's folder, empty."""
    folder = room(checkout)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "old").mkdir(parents=True)
    (folder / "new").mkdir()
    return folder


def keep_old(checkout: Checkout, number: int, path: str) -> None:
    """Keep the work tree's present file: a hard link where possible, else a copy."""
    source, target = checkout.top / path, room(checkout) / "old" / str(number)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def mark_of(path: Path) -> tuple[int, int]:
    """Return what tells whether a file is still the one that we made."""
    about = path.lstat()
    return about.st_size, about.st_mtime_ns


def finish(checkout: Checkout, journal: Journal) -> None:
    """Say in the journal that all steps are done: from now on it serves ``--abort`` only."""
    write(checkout, replace(journal, state="applied"))


def edited_since(checkout: Checkout, journal: Journal) -> list[str]:
    """Return the paths that hold neither what was there before nor what we put there."""
    ours = {step.path for step in journal.steps if step.new}
    return [
        step.path
        for number, step in enumerate(journal.steps)
        if not _is_known(checkout, number, step, ours)
    ]


def undo(checkout: Checkout, journal: Journal) -> None:
    """Put work tree and index back exactly as they were; call it inside :func:`alone`."""
    folder = room(checkout)
    for step in journal.steps:
        if step.new and not step.old:
            (checkout.top / step.path).unlink(missing_ok=True)
    for made in reversed(journal.made):
        with contextlib.suppress(OSError):
            (checkout.top / made).rmdir()
    for number, step in enumerate(journal.steps):
        kept = folder / "old" / str(number)
        if step.old and os.path.lexists(kept):
            target = checkout.top / step.path
            target.parent.mkdir(parents=True, exist_ok=True)
            move(kept, target)
    if (folder / "index.old").exists():
        move(folder / "index.old", checkout.index)
    forget(checkout)


def forget(checkout: Checkout) -> None:
    """Remove the journal; its list goes first, so that a half-removed one is no journal."""
    (room(checkout) / "journal.json").unlink(missing_ok=True)
    shutil.rmtree(room(checkout), ignore_errors=True)


def move(source: Path, target: Path) -> None:
    """Move one file in one step, also from one file system to another."""
    try:
        source.replace(target)
    except OSError:
        if source.parent.stat().st_dev == target.parent.stat().st_dev:
            raise
        beside = target.with_name(f".{target.name}.scaffold")
        shutil.copy2(source, beside, follow_symlinks=False)
        beside.replace(target)
    else:
        # Two links to one file: the system leaves both.
        source.unlink(missing_ok=True)


def _is_known(checkout: Checkout, number: int, step: Step, ours: set[str]) -> bool:
    path, kept = checkout.top / step.path, room(checkout) / "old" / str(number)
    if not os.path.lexists(path):
        # Gone, as we would have it, or not there yet: either way nothing of the user's is in it.
        return True
    if step.mark and mark_of(path) == step.mark:
        return True
    if path.is_dir() and not path.is_symlink():  # the file gave way to a folder of ours
        inside = (each for each in path.rglob("*") if not each.is_dir())
        return all(each.relative_to(checkout.top).as_posix() in ours for each in inside)
    if step.old and not os.path.lexists(kept):
        return True  # put back by an abort that was cut short
    return step.old and _same(path, kept)


def _same(one: Path, other: Path) -> bool:
    first, second = one.lstat(), other.lstat()
    if os.path.samestat(first, second):
        return True
    if stat.S_IFMT(first.st_mode) != stat.S_IFMT(second.st_mode):
        return False
    if stat.S_ISLNK(first.st_mode):
        return one.readlink() == other.readlink()
    return stat.S_ISREG(first.st_mode) and one.read_bytes() == other.read_bytes()


def _sync(path: Path) -> None:
    if path.is_symlink():
        return
    with contextlib.suppress(OSError):  # a folder can't be opened everywhere
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
