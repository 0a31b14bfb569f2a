"""Which commit holds the code of a run: git is asked, and what it says is checked by content.

That git calls a folder clean proves little: it passes over ignored files, and knows nothing of an
edit while a training ran. So the commit itself is read and hashed as the run hashed its code and
its lock. Equal hashes are equal files.
"""

import os
import posixpath
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from . import hashing
from .hashing import is_code, sha256_bytes, sha256_listing
from .manifest import Frozen, RunManifest

SHORT = 12
_TIMEOUT_S = 60
# A hook is told by these which repository it runs for; here the folder says it.
_OF_A_HOOK = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}

Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")]
_File = tuple[bool, str]  # whether it is executable, and its SHA-256


class Origin(Frozen):
    """What git said about the code of a version, whenever it was registered.

    Attributes:
        known: whether there was a repository to ask.
        commits: those that hold the code and the lock of its run, as they were met.
    """

    known: bool = False
    commits: tuple[Commit, ...] = ()

    def joined(self, later: "Origin") -> "Origin":
        """Return both answers as one: a commit that was found once is never lost again."""
        new = tuple(one for one in later.commits if one not in self.commits)
        return Origin(known=self.known or later.known, commits=(*self.commits, *new))

    def __str__(self) -> str:
        """Say it in two words."""
        if self.commits:
            return f"commit {self.commits[-1][:SHORT]}"
        return "not committed" if self.known else "commit unknown"


def origin_of(run: RunManifest) -> Origin:
    """Ask git whether what is checked out now is committed, and is what `run` ran on."""
    repository = find_repository()
    if repository is None:
        return Origin()
    head = repository.commit("HEAD")
    held = head is not None and repository.holds(head, run)
    return Origin(known=True, commits=(head,) if head and held else ())


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with the package's source in it.

    Attributes:
        root: its folder.
        package: POSIX path of the package in it.
        lock: POSIX path of the package's requirements.lock in it; None where there is no lock.
    """

    root: Path
    package: str
    lock: str | None

    def commit(self, name: str) -> str | None:
        """Return the commit that a branch or HEAD stands at; None if git knows none."""
        found = _git(self.root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return found.strip() if found else None

    def holds(self, commit: str, run: RunManifest) -> bool:
        """Whether the code and the lock of a commit are those that `run` ran on."""
        try:
            found = _hashes(self.root, commit, self.package, self.lock)
        except (OSError, tarfile.TarError, RecursionError):  # no such commit, or links in a circle
            return False
        return found == (run.code_sha256, run.lock_sha256)

    def read(self, commit: str, name: str) -> str | None:
        """Return a text file of the package as a commit has it; None if it has none."""
        return _git(self.root, "show", f"{commit}:{self.package}/{name}")

    def is_on(self, commit: str, branch: str) -> bool:
        """Whether a commit belongs to a branch. History that a shallow clone lacks is unknown."""
        return _git(self.root, "merge-base", "--is-ancestor", commit, branch) is not None


def find_repository() -> Repository | None:
    """Return the repository of this package's source.

    None without git, outside a repository, and for a package that was installed from a wheel into
    an environment which the repository ignores.
    """
    package = hashing.PACKAGE
    found = _git(package, "rev-parse", "--show-toplevel", "--show-prefix")
    if found is None or _git(package, "check-ignore", "--quiet", ".") is not None:
        return None
    root, prefix = found.splitlines()
    lock = hashing.find_lock()
    beside = Path(os.path.relpath(lock, package)).as_posix() if lock else None
    return Repository(
        Path(root),
        prefix.rstrip("/"),
        posixpath.normpath(posixpath.join(prefix, beside)) if beside else None,
    )


@lru_cache(maxsize=32)
def _hashes(
    root: Path, commit: str, package: str, lock: str | None
) -> tuple[str | None, str | None]:
    """SHA-256 of a package's code and of its lock in a commit, None for what it does not have."""
    files: dict[str, _File] = {}
    links: dict[str, str] = {}
    with (
        subprocess.Popen(  # noqa: S603 - what git is asked is ours
            ["git", "-C", str(root), "archive", "--format=tar", commit],  # noqa: S607
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as child,
        tarfile.open(fileobj=child.stdout, mode="r|") as archive,
    ):
        for one in archive:
            if one.issym():
                target = posixpath.join(posixpath.dirname(one.name), one.linkname)
                links[one.name] = posixpath.normpath(target)
            elif one.isfile() and (is_code(one.name) or one.name == lock):
                content = archive.extractfile(one)
                assert content is not None
                files[one.name] = bool(one.mode & 0o111), sha256_bytes(content.read())
    code = [(name, *file) for name, file in _below(package, files, links) if is_code(name)]
    return (
        sha256_listing(code) if code else None,
        files[lock][1] if lock and lock in files else None,
    )


def _below(
    folder: str, files: Mapping[str, _File], links: Mapping[str, str]
) -> Iterator[tuple[str, _File]]:
    """Files below a folder of a commit by their path in it; links are followed, as on disk."""
    start = f"{folder}/"
    for name, file in files.items():
        if name.startswith(start):
            yield name.removeprefix(start), file
    for name, target in links.items():
        if name.startswith(start):
            own = name.removeprefix(start)
            if target in files:
                yield own, files[target]
            for inner, file in _below(target, files, links):
                yield f"{own}/{inner}", file


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None if it fails, takes too long, or is not installed."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git, where PATH has it
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(done.stdout) if done.returncode == 0 else None


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
