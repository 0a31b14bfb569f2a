"""Put a project on disk: all of it, or nothing.

A project grows in a hidden folder beside its destination, on the same file system, and is
renamed into place when it is whole. What interrupts this (an error, a full disk, Ctrl-C,
SIGTERM) removes the hidden folder; after SIGKILL it stays, and the next run that comes by
removes it, told apart from one in use by a lock that dies with its owner.

Files are not forced to the disk, as git doesn't force its own: that took 0.1 to 1 second for a
project (measured, 168 files), to survive a power cut in the moments after a command that can
simply be run again.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import importlib.util
import os
import re
import secrets
import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError

_HAS_LOCKS = importlib.util.find_spec("fcntl") is not None
"""Without them (Windows) nothing tells a dead owner, so stale folders are left alone."""

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from scaffold.tree import Tree

_HIDDEN = re.compile(r"\.scaffold-[0-9a-f]{16}")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_LAST = ".copier-answers.yml"
"""Moved last where entries are moved one by one, so that it marks a whole project."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a destination will come to be.

    Attributes:
        destination: absolute, with links resolved.
        room: the existing folder in which the hidden folder is made.
        top: what is renamed into place: the destination, or its first missing parent.
        fill: whether the destination exists and must keep its own identity (it is our working
            directory, or a mount), so that its entries are moved in one by one.
    """

    destination: Path
    room: Path
    top: Path
    fill: bool


def plan(destination: Path) -> Plan:
    """Look whether a project can be placed at ``destination``, and say how.

    Raises:
        ScaffoldError: something is in the way, or nothing can be written there.
    """
    try:
        return _plan(destination)
    except OSError as error:
        raise explained(error, destination) from error


@contextlib.contextmanager
def staged(where: Plan) -> Generator[Path]:
    """Yield an empty folder, which becomes the destination when the block ends well.

    The folder already has the destination's name. Whatever ends the block otherwise leaves
    nothing of it.

    Raises:
        ScaffoldError: the disk is full or refuses, or the destination is no longer free.
    """
    remove_stale(where.room)
    hidden = _Hidden(where.room)
    try:
        hidden.make()
        project = hidden.path / where.destination.relative_to(where.top.parent)
        project.mkdir(parents=True)
        yield project
        _put_in_place(where, hidden.path)
    except OSError as error:
        raise explained(error, where.destination) from error
    finally:
        hidden.remove()


def write_tree(tree: Tree, folder: Path) -> None:
    """Write all files below an existing folder; modes follow the user's umask."""
    made: set[str] = set()
    for path, file in tree.items():
        parent = path.rpartition("/")[0]
        if parent and parent not in made:
            (folder / parent).mkdir(parents=True, exist_ok=True)
            made.add(parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(folder / path, flags, file.mode), "wb") as stream:
            stream.write(file.data)


def remove_stale(room: Path) -> None:
    """Remove hidden folders whose owner is dead."""
    if not _HAS_LOCKS:
        return
    with contextlib.suppress(OSError):
        for entry in [each for each in room.iterdir() if _HIDDEN.fullmatch(each.name)]:
            with contextlib.suppress(OSError), _locked(entry):
                shutil.rmtree(entry, ignore_errors=True)


def free_sibling(path: Path) -> Path:
    """Return a path beside ``path`` that is free: ``name-2``, ``name-3``..."""
    named = path if path.name not in {"", ".."} else path.resolve()
    number = 2
    while os.path.lexists(named.with_name(f"{named.name}-{number}")):
        number += 1
    return named.with_name(f"{named.name}-{number}")


def explained(error: OSError, destination: Path) -> ScaffoldError:
    """Return what an operating system's error means for the user."""
    if error.errno in _FULL:
        room = f"the disk that holds {destination.parent} is full"
        return ScaffoldError(room, "Nothing was written; make room and try again.", exit_code=1)
    if error.errno in _DENIED:
        what = f"{error.filename or destination} can't be written"
        return ScaffoldError(what, "Choose a folder that is yours.", exit_code=1)
    if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
        taken = f"{destination} appeared while the project was made, and was left as it is"
        return ScaffoldError(taken, f"Try {free_sibling(destination)}.", exit_code=1)
    reason = error.strerror or str(error)
    return ScaffoldError(f"{destination} can't be made: {reason}", exit_code=1)


def _plan(destination: Path) -> Plan:
    if destination.is_symlink() and not destination.exists():
        hint = "Remove it, or choose another folder."
        raise ScaffoldError(f"{destination} is a link to nowhere", hint)
    real = destination.resolve()
    if real.exists():
        return _plan_existing(destination, real)
    top = real
    while not os.path.lexists(top.parent):
        top = top.parent
    room = top.parent
    if not room.is_dir():
        raise ScaffoldError(f"{room} is a file, so nothing can be made inside it")
    _require_writable(room)
    return Plan(real, room, top, fill=False)


def _plan_existing(destination: Path, real: Path) -> Plan:
    other = f"Try {free_sibling(destination)}."
    if not real.is_dir():
        raise ScaffoldError(f"{destination} is a file", other)
    remove_stale(real)
    if any(real.iterdir()):
        raise ScaffoldError(f"{destination} exists and isn't empty", other)
    if os.path.ismount(real) or real.samefile(".") or not os.access(real.parent, os.W_OK):
        _require_writable(real)
        return Plan(real, room=real, top=real, fill=True)
    return Plan(real, room=real.parent, top=real, fill=False)


def _require_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        hint = "Choose a folder that is yours."
        raise ScaffoldError(f"{folder} can't be written", hint, exit_code=1)


def _put_in_place(where: Plan, hidden: Path) -> None:
    source = hidden / where.top.name
    if where.fill:
        _fill(source, where.destination)
        return
    if where.top.is_dir():
        source.chmod(where.top.stat().st_mode & 0o7777)
    source.rename(where.top)


def _fill(source: Path, destination: Path) -> None:
    names = sorted((entry.name for entry in source.iterdir()), key=_answers_last)
    moved: list[str] = []
    with _signals_held():
        try:
            for name in names:
                # Nothing may be overwritten: whoever put it there since then keeps it.
                if os.path.lexists(destination / name):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
                (source / name).rename(destination / name)
                moved.append(name)
        except OSError:
            for name in moved:
                (destination / name).rename(source / name)
            raise


def _answers_last(name: str) -> tuple[bool, str]:
    return name == _LAST, name


class _Hidden:
    """The hidden folder: made, locked for as long as we live, and always removed."""

    def __init__(self, room: Path) -> None:
        self._room = room
        self._lock = contextlib.ExitStack()
        self.path = room

    def make(self) -> None:
        # Known to `remove` before it exists, and to the interpreter's exit before both: one
        # signal at any moment can cut short this method or `remove`, but not all three.
        while True:
            self.path = self._room / f".scaffold-{secrets.token_hex(8)}"
            atexit.register(self.remove)
            self.path.mkdir(mode=0o700)
            if not _HAS_LOCKS:
                return
            # A cleaner that comes by right now may win the lock, and remove the folder.
            with contextlib.suppress(BlockingIOError, FileNotFoundError):
                self._lock.enter_context(_locked(self.path))
                if self.path.exists():
                    return

    def remove(self) -> None:
        if self.path != self._room and os.path.lexists(self.path):
            shutil.rmtree(self.path, ignore_errors=True)
            if os.path.lexists(self.path):
                _make_writable(self.path)
                shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()
        atexit.unregister(self.remove)


def _make_writable(folder: Path) -> None:
    for parent, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            os.chmod(parent, 0o700)  # noqa: PTH101 - os.walk gives text


@contextlib.contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Hold a folder's lock; raises BlockingIOError when somebody who lives holds it."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:  # a file system without locks: take it for in use
            raise BlockingIOError(error.errno, error.strerror) from error
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _signals_held() -> Generator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    stops = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
