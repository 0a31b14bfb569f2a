"""Give a project other answers: the template's lines exactly, the user's own by their names.

Rendering keeps lines apart, so each line of the old rendering has one counterpart in the new
one. A line of the template gets its counterpart; a line of the user's gets the new names. Seen
from there, only a licence that was exchanged is left to be merged.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.identity import TOKEN_PATTERN, token_values
from scaffold.naming import Names, Renaming
from scaffold.objects import Blob
from scaffold.relock import EXPORT, SEED
from scaffold.render import render
from scaffold.tree import File, Tree

if TYPE_CHECKING:
    from scaffold.answers import Answers

Content = Mapping[str, File | Blob]
"""A tree whose regular files are at hand, and whose links and submodules are named by id."""

_BINARY_PROBE = 8000
_OWN_PACKAGE = re.compile(
    rb'(?<=^name = ")[^"\n]+(?="\nversion = "[^"\n]*"\nsource = \{ (?:editable|virtual) = "\." \})',
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """One compiled tree under one set of answers."""

    names: Names
    rendered: Tree
    paths: Mapping[str, str]

    @classmethod
    def of(cls, tree: Tree, answers: Answers) -> Identity:
        """Render a compiled tree, and remember which file became which."""
        rendered = render(tree, answers)
        names = token_values(answers.values(), None)
        paths = {path: TOKEN_PATTERN.sub(lambda match: names[match[0]], path) for path in tree}
        extra = {path: path for path in rendered if path not in set(paths.values())}
        return cls(Names.of(answers), rendered, paths | extra)


@dataclass(frozen=True, slots=True)
class Move:
    """From one identity to another."""

    old: Identity
    new: Identity

    def back(self) -> Move:
        """Return the way back."""
        return Move(self.new, self.old)

    @property
    def pairs(self) -> dict[str, str]:
        """Old path -> new path of each of the template's files."""
        return {old: self.new.paths[path] for path, old in self.old.paths.items()}

    def renaming(self) -> Renaming:
        """Return how the user's own text is renamed, with the names that are ordinary words."""
        plain = Renaming(self.old.names, self.new.names)
        doubtful: set[bytes] = set()
        for old, new in self.pairs.items():
            before, after = self.old.rendered[old].data, self.new.rendered[new].data
            if before.count(b"\n") == after.count(b"\n"):
                doubtful |= _doubtful(plain, before, after, old)
        return Renaming(plain.old, plain.new, frozenset(doubtful))


def reidentify(ours: Content, move: Move) -> dict[str, File | Blob]:
    """Return the user's tree under the new identity.

    Raises:
        ScaffoldError: two files would have the same path.
    """
    renaming, pairs = move.renaming(), move.pairs
    moved: dict[str, File | Blob] = {}
    for path, entry in ours.items():
        target = pairs.get(path) or renaming.path(path)
        if target in moved:
            raise ScaffoldError(f"{path} would become {target}, which is there already")
        moved[target] = _moved_entry(path, entry, move, renaming, pairs)
    return moved


def merge_base(move: Move, ours: Content) -> Tree:
    """Return the base under the new identity: what the template's lines have become.

    A file whose lines have no counterparts (another licence) keeps its old content, so that it
    is merged as usual, unless the user left it as it was.
    """
    base: Tree = {}
    for old, new in move.pairs.items():
        before, after = move.old.rendered[old], move.new.rendered[new]
        base[new] = after if _is_mapped(before, after) or ours.get(old) == before else before
    return base


def refuse_one_way(ours: Content, moved: Content, move: Move) -> None:
    """Refuse a new identity from which there is no exact way back.

    Raises:
        ScaffoldError: names the first place that would come back as something else.
    """
    back = reidentify(moved, move.back())
    exchanged = {
        old
        for old, new in move.pairs.items()
        if not _is_mapped(move.old.rendered[old], move.new.rendered[new])
    }
    for path in sorted({*ours, *back} - exchanged):
        if ours.get(path) == back.get(path):
            continue
        where, shown = _first_difference(path, ours.get(path), back.get(path))
        raise ScaffoldError(
            f"{where} couldn't be told apart on the way back ({shown})",
            "Choose a name that stands for nothing else there, or go on with --one-way.",
        )


def leftovers(moved: Content, renaming: Renaming) -> list[str]:
    """Return ``path:line`` of the user's lines that still hold a name left as an ordinary word."""
    if not renaming.doubtful:
        return []
    plain = Renaming(renaming.old, renaming.new)
    found: list[str] = []
    for path, entry in moved.items():
        if isinstance(entry, File) and not _is_binary(entry.data):
            for number, line in enumerate(entry.data.split(b"\n"), 1):
                if plain(line, path) != line:
                    found.append(f"{path}:{number}")
    return found


def _moved_entry(
    path: str, entry: File | Blob, move: Move, renaming: Renaming, pairs: Mapping[str, str]
) -> File | Blob:
    if isinstance(entry, Blob):
        return entry
    before = move.old.rendered.get(path)
    after = move.new.rendered[pairs[path]] if path in pairs else None
    if before and after and entry.data == before.data:
        return File(after.data, entry.executable)
    if path in {SEED, EXPORT}:
        return File(_renamed_lock(entry.data, renaming), entry.executable)
    if _is_binary(entry.data):
        return entry
    if before and after and not _is_mapped(before, after):
        return entry
    lines = _mapped_lines(before.data, after.data, entry.data) if before and after else {}
    parts = entry.data.split(b"\n")
    data = b"\n".join(
        lines[number] if number in lines else renaming(part, path)
        for number, part in enumerate(parts)
    )
    return File(data, entry.executable)


def _mapped_lines(before: bytes, after: bytes, ours: bytes) -> dict[int, bytes]:
    """Return, for each of the user's lines that is the template's, its counterpart."""
    old, new, mine = before.split(b"\n"), after.split(b"\n"), ours.split(b"\n")
    bare = [line.removesuffix(b"\r") for line in mine]
    found: dict[int, bytes] = {}
    matcher = difflib.SequenceMatcher(None, old, bare, autojunk=False)
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            found[block.b + offset] = new[block.a + offset]
    counterparts: dict[bytes, set[bytes]] = {}
    for one, other in zip(old, new, strict=True):
        counterparts.setdefault(one, set()).add(other)
    for number, line in enumerate(bare):
        known = counterparts.get(line, set())
        if number not in found and len(known) == 1:
            found[number] = next(iter(known))
    return {
        number: line + (b"\r" if mine[number].endswith(b"\r") else b"")
        for number, line in found.items()
    }


def _doubtful(plain: Renaming, before: bytes, after: bytes, path: str) -> set[bytes]:
    """Return the names that plain renaming would replace where the template says another word."""
    found: set[bytes] = set()
    for old, new in zip(before.split(b"\n"), after.split(b"\n"), strict=True):
        if plain(old, path) == new:
            continue
        for field in ("project", "package", "prefix"):
            name, other = getattr(plain.old, field), getattr(plain.new, field)
            if old.count(name) and _words(name, new) and name != other:
                found.add(name)
    return found


def _words(name: bytes, line: bytes) -> bool:
    letter = rb"[A-Za-z0-9\x80-\xff]"
    return bool(re.search(b"(?<!%b)%b(?!%b)" % (letter, re.escape(name), letter), line))


def _renamed_lock(data: bytes, renaming: Renaming) -> bytes:
    def own(match: re.Match[bytes]) -> bytes:
        return renaming.new.project if match[0] == renaming.old.project else match[0]

    return _OWN_PACKAGE.sub(own, data)


def _is_mapped(before: File, after: File) -> bool:
    return before.data.count(b"\n") == after.data.count(b"\n")


def _is_binary(data: bytes) -> bool:
    return b"\0" in data[:_BINARY_PROBE]


def _first_difference(
    path: str, one: File | Blob | None, other: File | Blob | None
) -> tuple[str, str]:
    if not isinstance(one, File) or not isinstance(other, File):
        return path, "its path"
    pairs = zip(one.data.split(b"\n"), other.data.split(b"\n"), strict=False)
    for number, (left, right) in enumerate(pairs, 1):
        if left != right:
            shown = [line.decode(errors="replace").strip()[:40] for line in (left, right)]
            return f"{path}:{number}", f"`{shown[0]}` would become `{shown[1]}`"
    return path, "its mode"
