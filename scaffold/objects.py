"""Trees as git objects, in a quarantine of our own that reads the user's objects.

Merges are computed there, so that nothing is written into a user's repository before the result
is known. The quarantine has a configuration of its own: neither the user's merge settings nor
their filters, drivers and hooks take part.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.git import git_environment
from scaffold.plumbing import Git
from scaffold.tree import File, Tree, sorted_tree

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

REGULAR, EXECUTABLE, LINK, MODULE = "100644", "100755", "120000", "160000"

_CONFIG = """\
[core]
	repositoryformatversion = {version}
	bare = true
	attributesFile = /dev/null
[extensions]
	{extension}
[diff]
	renameLimit = 10000
[fastimport]
	unpackLimit = 0
[merge]
	conflictStyle = merge
	directoryRenames = true
	renameLimit = 10000
	renames = true
"""


@dataclass(frozen=True, slots=True)
class Blob:
    """An entry of a git tree: its mode as git writes it, and the id of its content."""

    mode: str
    oid: str


Entries = dict[str, Blob]
"""Relative POSIX path -> entry; names that aren't UTF-8 hold surrogates, as Python's own do."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit to be made: its branch, and a whole tree by content or by id."""

    branch: str
    tree: Mapping[str, File | Blob] | str
    parent: str | None = None
    message: str = ""
    when: int = 0


@contextlib.contextmanager
def quarantine(objects: Sequence[Path] = (), object_format: str = "sha1") -> Generator[Git]:
    """Yield a bare repository that sees ``objects`` (object folders) and is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="scaffold-merge-"))
    try:
        make_bare(folder, object_format)
        alternates = "".join(f"{os.path.realpath(each)}\n" for each in objects)
        (folder / "objects/info/alternates").write_bytes(os.fsencode(alternates))
        yield bare(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_bare(folder: Path, object_format: str = "sha1") -> None:
    """Write an empty bare repository."""
    for part in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    modern = object_format != "sha1"
    extension = f"objectFormat = {object_format}" if modern else ""
    config = _CONFIG.format(version=int(modern), extension=extension)
    (folder / "config").write_text(config, encoding="ascii")
    (folder / "HEAD").write_text("ref: refs/heads/main\n", encoding="ascii")


def bare(folder: Path) -> Git:
    """Return git for a bare repository of ours, deaf to every other configuration."""
    silent = {
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_DIR": str(folder),
    }
    return Git(folder, {**git_environment(), **silent})


def write_commits(git: Git, commits: Sequence[Commit]) -> None:
    """Make commits whose ids depend on nothing but what is given, in one process."""
    parts: list[bytes] = [b"feature done\n"]
    for commit in commits:
        parts += _commit_stream(commit)
    parts.append(b"done\n")
    git("fast-import", "--quiet", "--force", "--depth=0", stdin=b"".join(parts))


def entries_of(git: Git, treeish: str) -> Entries:
    """Return all files of a tree."""
    found: Entries = {}
    for line in git("ls-tree", "-r", "-z", "--full-tree", treeish).fields:
        about, _, path = line.partition("\t")
        mode, _kind, oid = about.split(" ")
        found[path] = Blob(mode, oid)
    return found


def contents(git: Git, oids: Sequence[str]) -> dict[str, bytes]:
    """Return the blobs of these ids, in one process.

    Raises:
        KeyError: one of them isn't there.
    """
    wanted = list(dict.fromkeys(oids))
    if not wanted:
        return {}
    stream = git("cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in wanted).encode()).stdout
    found: dict[str, bytes] = {}
    position = 0
    for oid in wanted:
        end = stream.index(b"\n", position)
        size = stream[position:end].split(b" ")[-1]
        if not size.isdigit():
            raise KeyError(oid)
        start = end + 1
        position = start + int(size) + 1
        found[oid] = stream[start : position - 1]
    return found


def tree_at(git: Git, treeish: str) -> Tree:
    """Return a tree that holds regular files only, as our own do."""
    entries = entries_of(git, treeish)
    data = contents(git, [blob.oid for blob in entries.values()])
    return sorted_tree(
        {path: File(data[blob.oid], blob.mode == EXECUTABLE) for path, blob in entries.items()}
    )


def _commit_stream(commit: Commit) -> Iterator[bytes]:
    who = f"scaffold <scaffold@localhost> {commit.when} +0000"
    yield f"commit refs/heads/{commit.branch}\n".encode()
    yield f"author {who}\ncommitter {who}\n".encode()
    yield _data(commit.message.encode())
    if commit.parent:
        yield f"from {commit.parent}\n".encode()
    if isinstance(commit.tree, str):
        yield f'M 040000 {commit.tree} ""\n'.encode()
        return
    yield b"deleteall\n"
    for path, entry in commit.tree.items():
        if isinstance(entry, Blob):
            yield b"M %s %s %s\n" % (entry.mode.encode(), entry.oid.encode(), _quoted(path))
        else:
            mode = EXECUTABLE if entry.executable else REGULAR
            yield b"M %s inline %s\n" % (mode.encode(), _quoted(path))
            yield _data(entry.data)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"%s"' % raw
