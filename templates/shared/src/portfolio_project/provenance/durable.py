"""Writes that survive a kill: a whole file replaced at once, and lines appended to a journal."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

PRIVATE_MODE = 0o600
SHARED_MODE = 0o644


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a rename in it outlives a power cut.

    Windows cannot open a folder, and flushes its entries itself.
    """
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte of `data` to an open file; `os.write` may stop half-way.

    Raises:
        OSError: the disk is full, or the file cannot be written.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace_file(path: Path, data: bytes, *, mode: int = SHARED_MODE) -> None:
    """Replace `path` by `data` in one step: a reader sees the old bytes or the new, never a mix.

    Raises:
        OSError: the disk is full, or the folder cannot be written; `path` is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> int:
    r"""Append `line` (without line break) durably and return the offset in bytes where it starts.

    A torn last line, left by a kill or a full disk, is closed first, so it cannot swallow this one.

    Raises:
        ValueError: `line` is empty or holds a line break.
        OSError: the disk is full, or the file cannot be written.
    """
    if not line or b"\n" in line:
        raise ValueError("a journal line is not empty and holds no line break")
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, SHARED_MODE)
    try:
        torn = _ends_torn(descriptor)
        write_all(descriptor, (b"\n" if torn else b"") + line + b"\n")
        os.fsync(descriptor)
        start = os.lseek(descriptor, 0, os.SEEK_CUR) - len(line) - 1
    finally:
        os.close(descriptor)
    if is_new:
        sync_folder(path.parent)
    return start


def complete_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (offset in bytes, line without its break) for each finished, non-empty line.

    A last line without a line break was being written when its writer died; it is left out.
    A missing file has no lines.
    """
    if not path.exists():
        return
    offset = 0
    with path.open("rb") as journal:
        for line in journal:
            if line.endswith(b"\n") and line != b"\n":
                yield offset, line[:-1]
            offset += len(line)


def drop_torn_line(path: Path) -> None:
    """Cut an unfinished last line off. Only for a file whose one writer holds a lock."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole != len(data):
        with path.open("r+b") as journal:
            journal.truncate(whole)
            os.fsync(journal.fileno())


def _ends_torn(descriptor: int) -> bool:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size == 0:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) != b"\n"
