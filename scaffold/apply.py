"""Put a merged tree into the user's index and work tree: all of it, or nothing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import journal
from scaffold.checkout import few, require_clean
from scaffold.errors import ScaffoldError
from scaffold.journal import Journal, Step
from scaffold.objects import MODULE, Blob

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scaffold.checkout import Checkout
    from scaffold.merge import Change, Stage
    from scaffold.plumbing import Git

_NOTHING = "0" * 40


@dataclass(frozen=True, slots=True)
class Patch:
    """What to put in place: the work tree's changes, and the conflicted paths' stages."""

    changes: Sequence[Change]
    stages: Sequence[Stage] = ()


def apply(checkout: Checkout, quarantine: Git, patch: Patch, verb: str) -> None:
    """Change work tree and index as ``patch`` says; on any failure put both back.

    Conflicts become ordinary ones: stages in the index, markers in the work tree.

    Raises:
        ScaffoldError: the tree isn't clean, or a file that git doesn't track is in the way.
    """
    with journal.alone(checkout):
        _require_unmoved(checkout)
        require_clean(checkout)
        refuse_obstacles(checkout, patch.changes)
        _take_objects(checkout, quarantine, patch)
        folder = journal.begin(checkout)
        try:
            plan = _stage(checkout, folder, patch, verb)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise _put_back(error) from error
            raise
        try:
            journal.write(checkout, plan)
            _move(checkout, folder, plan)
            _refresh(checkout, folder / "index.new")
            journal.move(folder / "index.new", checkout.index)
            journal.finish(checkout, plan)
        except BaseException as error:
            journal.undo(checkout, plan)
            if isinstance(error, OSError):
                raise _put_back(error) from error
            raise


def refuse_obstacles(checkout: Checkout, changes: Iterable[Change]) -> None:
    """Refuse to write where something stands that git doesn't track, ignored files included.

    Raises:
        ScaffoldError: names the files.
    """
    changes = list(changes)
    going = {change.path for change in changes if change.old is not None}
    found: list[str] = []
    for change in changes:
        if change.new is not None and change.old is None:
            found += _in_the_way(checkout.project, change.path, going)
        if MODULE in {blob.mode for blob in (change.old, change.new) if blob}:
            raise ScaffoldError(f"{change.path} is a submodule, which scaffold doesn't move")
    if found:
        names = sorted(set(found))
        raise ScaffoldError(
            f"untracked files are in the way: {few(names, 8)}",
            "Move them, or commit them so that they can be merged.",
        )
    hidden = _hidden_from_status(checkout, going)
    if hidden:
        raise ScaffoldError(
            f"{few(hidden)} marked assume-unchanged or skip-worktree would change",
            "Take the mark off with `git update-index`, then try again.",
        )


def _put_back(error: OSError) -> ScaffoldError:
    reason = f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"
    return ScaffoldError(f"the change failed: {reason}", "Everything is as it was.", 1)


def _require_unmoved(checkout: Checkout) -> None:
    if checkout.git("rev-parse", "HEAD").line != checkout.head:
        raise ScaffoldError("HEAD has moved since the merge was computed", "Try again.", 1)


def _in_the_way(project: Path, path: str, going: set[str]) -> list[str]:
    parts = path.split("/")
    for depth in range(1, len(parts)):
        parent = "/".join(parts[:depth])
        target = project / parent
        is_folder = target.is_dir() and not target.is_symlink()
        if parent not in going and os.path.lexists(target) and not is_folder:
            return [parent]
    target = project / path
    if not os.path.lexists(target):
        return []
    if target.is_dir() and not target.is_symlink():
        inside = [
            (Path(parent) / name).relative_to(project).as_posix()
            for parent, _, names in os.walk(target)
            for name in names
        ]
        return [name for name in inside if name not in going]
    above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    return [] if above & going else [path]


def _hidden_from_status(checkout: Checkout, going: set[str]) -> list[str]:
    # `git status` is silent about these, so a change in them would pass for none.
    listed = checkout.git("ls-files", "-v", "-z", "--", checkout.prefix or ".").fields
    hidden = {line[2:] for line in listed if line[0] == "S" or line[0].islower()}
    return sorted(path for path in going if checkout.prefix + path in hidden)


def _take_objects(checkout: Checkout, quarantine: Git, patch: Patch) -> None:
    """Copy the blobs that the index will name; a kill leaves unreachable objects at worst."""
    blobs = {change.new for change in patch.changes} | {stage.blob for stage in patch.stages}
    oids = sorted({blob.oid for blob in blobs if blob is not None and blob.mode != MODULE})
    if not oids:
        return
    wanted = "".join(f"{oid}\n" for oid in oids).encode()
    pack = quarantine("pack-objects", "--stdout", "-q", "--window=0", stdin=wanted).stdout
    checkout.git("unpack-objects", "-q", stdin=pack)


def _stage(checkout: Checkout, folder: Path, patch: Patch, verb: str) -> Journal:
    """Make everything ready in the journal's folder; nothing of it is visible yet."""
    index = folder / "index.new"
    shutil.copy2(checkout.index, folder / "index.old")
    shutil.copy2(checkout.index, index)
    prefix = checkout.prefix
    written = [(prefix + each.path, each.new) for each in patch.changes if each.new]
    _check_out(checkout, folder, written)
    conflicted = {stage.path for stage in patch.stages}
    lines = [_line(prefix + each.path, each.new) for each in patch.changes if each.new]
    lines = [_line(prefix + each.path, None) for each in patch.changes if not each.new] + lines
    lines += [_line(prefix + path, None) for path in sorted(conflicted)]
    lines += [_line(prefix + each.path, each.blob, each.number) for each in patch.stages]
    _index_info(checkout, index, lines)
    return Journal(
        verb,
        "applying",
        checkout.head,
        tuple(_steps(checkout, folder, patch)),
        tuple(_folders_to_make(checkout.top, [path for path, _ in written])),
    )


def _check_out(checkout: Checkout, folder: Path, written: list[tuple[str, Blob]]) -> None:
    """Write the new files below the journal, as git would in the user's own set-up."""
    index = folder / "index.files"
    _index_info(checkout, index, [_line(path, blob) for path, blob in written])
    place = f"--prefix={folder / 'new'}/"
    checkout.git("checkout-index", "--all", "--force", place, GIT_INDEX_FILE=str(index))
    index.unlink()


def _steps(checkout: Checkout, folder: Path, patch: Patch) -> Iterable[Step]:
    for number, change in enumerate(patch.changes):
        path = checkout.prefix + change.path
        if change.old is not None:
            journal.keep_old(checkout, number, path)
        mark = journal.mark_of(folder / "new" / path) if change.new else None
        yield Step(path, old=change.old is not None, new=change.new is not None, mark=mark)


def _move(checkout: Checkout, folder: Path, plan: Journal) -> None:
    top = checkout.top
    gone = [step.path for step in plan.steps if not step.new]
    for path in gone:
        (top / path).unlink()
    for step in plan.steps:
        if step.new and (top / step.path).is_dir() and not (top / step.path).is_symlink():
            _remove_empty_folders(top / step.path)  # a folder that gives way to a file
    for made in plan.made:
        (top / made).mkdir(exist_ok=True)
    for step in plan.steps:
        if step.new:
            journal.move(folder / "new" / step.path, top / step.path)
    for path in gone:
        _remove_empty_parents(top, path)


def _remove_empty_folders(folder: Path) -> None:
    for parent, _, _ in os.walk(folder, topdown=False):
        Path(parent).rmdir()


def _remove_empty_parents(top: Path, path: str) -> None:
    parent = (top / path).parent
    while parent != top:
        try:
            parent.rmdir()
        except OSError:
            return
        parent = parent.parent


def _folders_to_make(top: Path, paths: Iterable[str]) -> list[str]:
    found: set[str] = set()
    for path in paths:
        parts = path.split("/")[:-1]
        found |= {"/".join(parts[: depth + 1]) for depth in range(len(parts))}
    # A file that gives way to a folder is gone by the time the folder is made.
    return sorted(path for path in found if not (top / path).is_dir())


def _line(path: str, blob: Blob | None, stage: int = 0) -> bytes:
    mode, oid = (blob.mode, blob.oid) if blob else ("0", _NOTHING)
    return f"{mode} {oid} {stage}\t".encode() + os.fsencode(path) + b"\0"


def _index_info(checkout: Checkout, index: Path, lines: list[bytes]) -> None:
    checkout.git(
        "update-index",
        "-z",
        "--index-info",
        stdin=b"".join(lines),
        GIT_INDEX_FILE=str(index),
    )


def _refresh(checkout: Checkout, index: Path) -> None:
    # It reports conflicted paths with a status of its own; they're what was asked for.
    asked = ("update-index", "-q", "--unmerged", "--refresh")
    checkout.git(*asked, accept=(0, 1), GIT_INDEX_FILE=str(index))
