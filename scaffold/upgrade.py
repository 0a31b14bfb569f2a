"""What an update would do: both of the template's trees and the user's, merged in a quarantine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold import endings
from scaffold.merge import Change, Merged, changes, merge
from scaffold.objects import EXECUTABLE, REGULAR, Blob, Entries, contents, entries_of
from scaffold.relock import EXPORT, SEED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scaffold.checkout import Checkout
    from scaffold.plumbing import Git
    from scaffold.tree import File, Tree

LOCKS = (SEED, EXPORT)
"""Files that a program derives from others: they are made again, never merged."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A merge, and the paths of the user's tree that it changes."""

    merged: Merged
    changes: tuple[Change, ...]


def propose(git: Git, checkout: Checkout, base: Tree, theirs: Tree, label: str) -> Proposal:
    """Merge what the template changed from ``base`` to ``theirs`` into the committed project.

    ``git`` is a quarantine that sees the checkout's objects; nothing else is written.
    """
    ours = entries_of(git, checkout.tree)
    differing = differing_from(git, ours, base, checkout.object_format)
    base, theirs = endings.follow(differing, base, theirs)
    merged = merge(git, hold_locks(base, ours), checkout.tree, hold_locks(theirs, ours), label)
    return Proposal(merged, tuple(changes(git, checkout.tree, merged.tree)))


def blob_id(data: bytes, object_format: str) -> str:
    """Return the id that git gives to a content."""
    whole = hashlib.new(object_format, b"blob %d\0" % len(data), usedforsecurity=False)
    whole.update(data)
    return whole.hexdigest()


def blob_of(file: File, object_format: str) -> Blob:
    """Return a file as an entry of a git tree."""
    mode = EXECUTABLE if file.executable else REGULAR
    return Blob(mode, blob_id(file.data, object_format))


def differing_from(git: Git, ours: Entries, base: Tree, object_format: str) -> dict[str, bytes]:
    """Return the user's version of each regular file of the template that they changed."""
    edited = {
        path: ours[path].oid
        for path, file in base.items()
        if path in ours
        and ours[path].mode in {REGULAR, EXECUTABLE}
        and ours[path].oid != blob_id(file.data, object_format)
    }
    data = contents(git, list(edited.values()))
    return {path: data[oid] for path, oid in edited.items()}


def hold_locks(tree: Tree, ours: Mapping[str, File | Blob]) -> Mapping[str, File | Blob]:
    """Give the locks the user's content on every side, so that the merge leaves them alone."""
    held: dict[str, File | Blob] = dict(tree)
    for lock in LOCKS:
        if lock in ours:
            held[lock] = ours[lock]
        else:
            held.pop(lock, None)
    return held
