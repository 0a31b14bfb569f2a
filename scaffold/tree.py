"""A project as a value: its files by POSIX path, with content and the executable bit."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: all that git keeps of one."""

    data: bytes
    executable: bool = False

    @property
    def mode(self) -> int:
        """Permission bits before the user's umask."""
        return 0o777 if self.executable else 0o666


Tree = dict[str, File]
"""Relative POSIX path -> file, sorted by path. Empty directories don't exist, as in git."""


def sorted_tree(files: Mapping[str, File]) -> Tree:
    """Return the files as a tree, sorted by path."""
    return {path: files[path] for path in sorted(files)}


def read_tree(folder: Path, *, skip: frozenset[str] = frozenset({".git"})) -> Tree:
    """Read a folder from disk, leaving out entries named in ``skip`` at its top.

    Symbolic links are followed for files and left out for directories.
    """
    files: dict[str, File] = {}
    for parent, folders, names in os.walk(folder):
        inside = os.path.relpath(parent, folder)
        prefix = "" if inside == "." else inside.replace(os.sep, "/") + "/"
        if not prefix:
            folders[:] = [name for name in folders if name not in skip]
        for name in names:
            if prefix or name not in skip:
                files[prefix + name] = read_file(Path(parent, name))
    return sorted_tree(files)


def read_file(path: Path) -> File:
    """Read one file with its executable bit."""
    with path.open("rb") as stream:
        return File(stream.read(), executable=bool(os.fstat(stream.fileno()).st_mode & 0o100))


def tree_digest(tree: Tree) -> str:
    """Return a SHA-256 (hex) over paths, executable bits and contents."""
    whole = hashlib.sha256()
    for path in sorted(tree):
        file = tree[path]
        content = hashlib.sha256(file.data).hexdigest()
        whole.update(f"{path}\0{int(file.executable)}\0{content}\n".encode())
    return whole.hexdigest()
