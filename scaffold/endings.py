"""Let the template follow the line endings that the user chose for a file.

A file that was turned from LF to CRLF (by an editor, by git's own normalisation, or back) differs
in each line from the template's, and every change of the template would be a conflict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.tree import File

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scaffold.tree import Tree


def ending_of(data: bytes) -> bytes | None:
    """Return the one line ending of a text; None where there is none, several, or binary data."""
    if b"\0" in data:
        return None
    crlf, lf = data.count(b"\r\n"), data.count(b"\n")
    if crlf == lf:
        return b"\r\n" if crlf else None
    return None if crlf else b"\n"


def with_ending(data: bytes, ending: bytes) -> bytes:
    """Return a text with each line ending replaced."""
    return data.replace(b"\r\n", b"\n").replace(b"\n", ending)


def follow(ours: Mapping[str, bytes], base: Tree, theirs: Tree) -> tuple[Tree, Tree]:
    """Return both of the template's trees in the line endings of the user's files.

    Only a path at which the user's file and the base each have one line ending, and not the same
    one, is changed; the new version only where it has the base's.
    """
    new_base, new_theirs = dict(base), dict(theirs)
    for path, data in ours.items():
        wanted = ending_of(data)
        had = ending_of(base[path].data) if path in base else None
        if not wanted or not had or wanted == had:
            continue
        new_base[path] = _converted(base[path], wanted)
        if path in theirs and ending_of(theirs[path].data) == had:
            new_theirs[path] = _converted(theirs[path], wanted)
    return new_base, new_theirs


def _converted(file: File, ending: bytes) -> File:
    return File(with_ending(file.data, ending), file.executable)
