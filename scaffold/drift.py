"""How far a project and its template have moved apart, file by file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scaffold import endings
from scaffold.objects import Blob, Commit, write_commits
from scaffold.tree import File, read_file
from scaffold.upgrade import LOCKS, hold_locks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scaffold.checkout import Checkout
    from scaffold.plumbing import Git
    from scaffold.tree import Tree

Yours = Literal["untouched", "edited", "deleted", "renamed", "added"]
Theirs = Literal["same", "changed", "removed", "renamed", "added"]

_YOURS: dict[str, Yours] = {"M": "edited", "T": "edited", "D": "deleted", "R": "renamed"}
_THEIRS: dict[str, Theirs] = {"M": "changed", "T": "changed", "D": "removed", "R": "renamed"}


@dataclass(frozen=True, slots=True)
class FileDrift:
    """One of the template's files: what you did to it, and what the template did since.

    ``to`` is the name that you gave it, ``template_to`` the one that the template gave it.
    """

    path: str
    yours: Yours = "untouched"
    template: Theirs = "same"
    to: str | None = None
    template_to: str | None = None
    edited: bool = False

    @property
    def kind(self) -> str:
        """One word for people."""
        moved = self.template != "same"
        if self.yours == "untouched":
            return "template" if moved else "untouched"
        return "both" if moved else self.yours


def drift(git: Git, yours: Mapping[str, File | Blob], base: Tree, theirs: Tree) -> list[FileDrift]:
    """Compare in a quarantine; ``yours`` comes from :func:`present_files`.

    Files of the user's own aren't listed, and the locks, which a program writes, count as
    untouched. Line endings alone are no edit.
    """
    ours = {path: file for path, file in yours.items() if isinstance(file, File)}
    texts = {path: file.data for path, file in ours.items()}
    new_base, new_theirs = endings.follow(texts, base, theirs)
    write_commits(
        git,
        [
            Commit("base", hold_locks(new_base, yours)),
            Commit("yours", yours),
            Commit("template", hold_locks(new_theirs, yours)),
        ],
    )
    mine, news = _compared(git, "yours"), _compared(git, "template")
    renamed_to = {comparison.to for comparison in news.values()}
    return [
        _lock_drift(path, base, theirs)
        if path in LOCKS
        else _file_drift(path, mine.get(path), news.get(path))
        if path in base
        else FileDrift(path, "added" if path in yours else "untouched", "added")
        for path in sorted({*base, *theirs})
        if path in base or path not in renamed_to
    ]


def present_files(checkout: Checkout) -> dict[str, File | Blob]:
    """Return the project's files as they are now: tracked, changed and new ones, not the ignored.

    What is unchanged since it was staged is named by its id, and isn't read.
    """
    where = checkout.prefix or "."
    cut = len(checkout.prefix)
    listed = checkout.git("ls-files", "-z", "--stage", "--", where).fields
    files: dict[str, File | Blob] = {}
    for line in listed:
        about, _, path = line.partition("\t")
        mode, oid, _stage = about.split(" ")
        files[path[cut:]] = Blob(mode, oid)
    asked = ("-z", "--modified", "--others", "--exclude-standard", "--", where)
    for path in checkout.git("ls-files", *asked).fields:
        files.pop(path[cut:], None)
        present = read_present(checkout.top / path)
        if present:
            files[path[cut:]] = present
    return files


def files_on_disk(project: Path, base: Tree, theirs: Tree) -> dict[str, File | Blob]:
    """Return those of the template's files that a project without git has."""
    found: dict[str, File | Blob] = {}
    for path in {*base, *theirs}:
        present = read_present(project / path)
        if present:
            found[path] = present
    return found


def read_present(path: Path) -> File | None:
    """Return a regular file, or None: gone, a folder, a link (which git compares by its id)."""
    return read_file(path) if path.is_file() and not path.is_symlink() else None


@dataclass(frozen=True, slots=True)
class _Compared:
    letter: str
    to: str | None
    edited: bool


def _file_drift(path: str, mine: _Compared | None, news: _Compared | None) -> FileDrift:
    return FileDrift(
        path,
        _YOURS[mine.letter] if mine else "untouched",
        _THEIRS[news.letter] if news else "same",
        mine.to if mine else None,
        news.to if news else None,
        edited=bool(mine and mine.edited),
    )


def _lock_drift(path: str, base: Tree, theirs: Tree) -> FileDrift:
    if path not in base:
        return FileDrift(path, template="added")
    if path not in theirs:
        return FileDrift(path, template="removed")
    return FileDrift(path, template="same" if base[path] == theirs[path] else "changed")


def _compared(git: Git, branch: str) -> dict[str, _Compared]:
    """Return what became of each path of the base that isn't the same any more."""
    fields = iter(git("diff-tree", "-r", "-z", "-M", "--raw", "base", branch).fields)
    found: dict[str, _Compared] = {}
    for about in fields:
        status = about.split(" ")[-1]
        letter, path = status[0], next(fields)
        if letter == "R":
            found[path] = _Compared(letter, next(fields), status != "R100")
        elif letter != "A":
            found[path] = _Compared(letter, None, letter != "D")
    return found
