"""A three-way merge of whole trees by git itself, following renames, with every conflict named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold.objects import Blob, Commit, write_commits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scaffold.plumbing import Git
    from scaffold.tree import File

YOURS = "yours"

_BASE = "base"
_KIND = re.compile(r"^CONFLICT \(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Stage:
    """One side of a conflicted path in the index: 1 is the base, 2 the user's, 3 the template's."""

    path: str
    number: int
    blob: Blob


@dataclass(frozen=True, slots=True)
class Conflict:
    """What the user has to settle: a kind such as ``content`` or ``modify/delete``."""

    kind: str
    paths: tuple[str, ...]
    message: str

    def describe(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"kind": self.kind, "paths": list(self.paths), "message": self.message}


@dataclass(frozen=True, slots=True)
class Merged:
    """The outcome: a tree's id (conflicts marked inside), its conflicts, and what git remarked."""

    tree: str
    stages: tuple[Stage, ...]
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A path that differs between two trees; None on the side where it isn't there."""

    path: str
    old: Blob | None
    new: Blob | None

    @property
    def kind(self) -> str:
        """``added``, ``deleted`` or ``modified``."""
        if self.old is None:
            return "added"
        return "deleted" if self.new is None else "modified"


def merge(
    git: Git,
    base: Mapping[str, File | Blob],
    ours: Mapping[str, File | Blob] | str,
    theirs: Mapping[str, File | Blob],
    label: str,
) -> Merged:
    """Merge in a quarantine; ``label`` names the template's side in conflict markers.

    git 2.39 can't be told a merge base, so both sides become children of a made-up commit.
    """
    write_commits(
        git,
        [
            Commit(_BASE, base),
            Commit(YOURS, ours, f"refs/heads/{_BASE}"),
            Commit(label, theirs, f"refs/heads/{_BASE}"),
        ],
    )
    output = git("merge-tree", "--write-tree", "-z", "--messages", YOURS, label, accept=(0, 1))
    return _parse(output.fields)


def changes(git: Git, old: str, new: str) -> list[Change]:
    """Return the paths that differ between two trees, renames taken apart."""
    fields = git("diff-tree", "-r", "-z", "--no-renames", "--raw", old, new).fields
    return [_change(about, path) for about, path in zip(fields[::2], fields[1::2], strict=True)]


def renames(git: Git, old: str, new: str) -> dict[str, str]:
    """Return new path -> old path of what git takes for a rename between two trees."""
    asked = ("-r", "-z", "-M", "--diff-filter=R", "--name-status")
    fields = git("diff-tree", *asked, old, new).fields
    return dict(zip(fields[2::3], fields[1::3], strict=True))


def diff(git: Git, old: str, new: str) -> str:
    """Return the difference between two trees as text for people."""
    output = git("diff-tree", "-r", "-p", "-M", "--no-ext-diff", "--no-textconv", old, new)
    return output.stdout.decode("utf-8", errors="backslashreplace")


def _change(about: str, path: str) -> Change:
    old_mode, new_mode, old, new, _status = about.removeprefix(":").split(" ")
    return Change(
        path,
        Blob(old_mode, old) if old.strip("0") else None,
        Blob(new_mode, new) if new.strip("0") else None,
    )


def _parse(fields: list[str]) -> Merged:
    tree, rest = fields[0], fields[1:]
    end = rest.index("") if "" in rest else len(rest)
    stages = tuple(map(_stage, rest[:end]))
    conflicts: list[Conflict] = []
    notes: list[str] = []
    for paths, kind, message in _messages(rest[end + 1 :]):
        found = _KIND.match(message) or _KIND.match(kind)
        if found:
            conflicts.append(Conflict(found[1], paths, message))
        elif not kind.startswith("Auto-merging"):
            notes.append(message)
    return Merged(tree, stages, tuple(_complete(conflicts, stages)), tuple(notes))


def _stage(line: str) -> Stage:
    about, _, path = line.partition("\t")
    mode, oid, number = about.split(" ")
    return Stage(path, int(number), Blob(mode, oid))


def _messages(fields: list[str]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    position = 0
    while position < len(fields):
        count = int(fields[position])
        start = position + 1
        kind, message = fields[start + count : start + count + 2]
        yield tuple(fields[start : start + count]), kind, " ".join(message.split())
        position = start + count + 2


def _complete(conflicts: list[Conflict], stages: tuple[Stage, ...]) -> Iterator[Conflict]:
    """Yield one conflict a path and kind, and one for each unmerged path that git left unsaid."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for conflict in conflicts:
        if (conflict.kind, conflict.paths) not in seen:
            seen.add((conflict.kind, conflict.paths))
            yield conflict
    named = {path for conflict in conflicts for path in conflict.paths}
    for path in dict.fromkeys(stage.path for stage in stages):
        if path not in named:
            yield Conflict("unmerged", (path,), f"CONFLICT (unmerged): both sides changed {path}")
