"""What an update would do: both of the template's trees and the user's, merged in a quarantine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold import endings
from scaffold.merge import Change, Merged, changes, merge
from scaffold.objects import EXECUTABLE, REGULAR, Blob, contents, entries_of, quarantine
from scaffold.relock import EXPORT, SEED
from scaffold.tree import File

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scaffold.checkout import Checkout
    from scaffold.plumbing import Git
    from scaffold.tree import Tree

LOCKS = (SEED, EXPORT)
"""Files that a program derives from others: they are made again, never merged."""


REGULAR_MODES = frozenset({REGULAR, EXECUTABLE})


@dataclass(frozen=True, slots=True)
class Proposal:
    """A merge, and the paths of the user's tree that it changes."""

    merged: Merged
    changes: tuple[Change, ...]


def propose(  # noqa: PLR0913, PLR0917 - the three trees, and where and how to merge them
    git: Git,
    checkout: Checkout,
    base: Tree,
    theirs: Tree,
    label: str,
    ours: Mapping[str, File | Blob] | None = None,
) -> Proposal:
    """Merge what the template changed from ``base`` to ``theirs`` into the committed project.

    ``git`` is a quarantine that sees the checkout's objects; nothing else is written. ``ours``
    stands in for the committed tree where it has been given another identity first.
    """
    if ours is None:
        ours = entries_of(git, checkout.tree)
    differing = _differing(git, ours, base, checkout.object_format)
    base, theirs = endings.follow(differing, base, theirs)
    merged = merge(git, hold_locks(base, ours), ours, hold_locks(theirs, ours), label)
    return Proposal(merged, tuple(changes(git, checkout.tree, merged.tree)))


def committed_content(checkout: Checkout) -> dict[str, File | Blob]:
    """Return the committed tree, with the content of its regular files."""
    with quarantine([checkout.objects], checkout.object_format) as git:
        entries = entries_of(git, checkout.tree)
        regular = {path: blob for path, blob in entries.items() if blob.mode in REGULAR_MODES}
        data = contents(git, [blob.oid for blob in regular.values()])
    files = {path: File(data[blob.oid], blob.mode == EXECUTABLE) for path, blob in regular.items()}
    return {**entries, **files}


def blob_id(data: bytes, object_format: str) -> str:
    """Return the id that git gives to a content."""
    whole = hashlib.new(object_format, b"blob %d\0" % len(data), usedforsecurity=False)
    whole.update(data)
    return whole.hexdigest()


def blob_of(file: File, object_format: str) -> Blob:
    """Return a file as an entry of a git tree."""
    mode = EXECUTABLE if file.executable else REGULAR
    return Blob(mode, blob_id(file.data, object_format))


def _differing(
    git: Git, ours: Mapping[str, File | Blob], base: Tree, object_format: str
) -> dict[str, bytes]:
    """Return the user's version of each regular file of the template that they changed."""
    texts: dict[str, bytes] = {}
    edited: dict[str, str] = {}
    for path, file in base.items():
        mine = ours.get(path)
        if isinstance(mine, File):
            texts[path] = mine.data
        elif mine and mine != blob_of(file, object_format) and mine.mode in REGULAR_MODES:
            edited[path] = mine.oid
    data = contents(git, list(edited.values()))
    return texts | {path: data[oid] for path, oid in edited.items()}


def hold_locks(tree: Tree, ours: Mapping[str, File | Blob]) -> Mapping[str, File | Blob]:
    """Give the locks the user's content on every side, so that the merge leaves them alone."""
    held: dict[str, File | Blob] = dict(tree)
    for lock in LOCKS:
        if lock in ours:
            held[lock] = ours[lock]
        else:
            held.pop(lock, None)
    return held
