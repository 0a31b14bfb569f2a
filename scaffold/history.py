"""The template versions that this package knows: the installed ones, and those released before.

Released trees lie in one git bundle inside the package, each as a commit with the tag
``TEMPLATE/vX.Y.Z``, so that an update needs no network. ``python -m scaffold.release`` adds to it.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.library import tree_of
from scaffold.objects import quarantine, tree_at
from scaffold.record import Origin, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scaffold.plumbing import Git
    from scaffold.template import Template
    from scaffold.tree import Tree

BUNDLE = Path(__file__).parent / "history.bundle"
"""The released trees; absent until the first release is made."""

_REFERENCE = re.compile(rb"([0-9a-f]{40}) refs/tags/(\S+)\n")


def present(template: Template) -> tuple[Origin, Tree]:
    """Return the newest tree of a template, which is the one that ``new`` generates."""
    tree = tree_of(template)
    return origin_of(tree), tree


def tree_of_origin(origin: Origin, newest: tuple[Origin, Tree], bundle: Path | None = None) -> Tree:
    """Return the tree that a project was made from: the newest one, or one out of the history.

    Raises:
        ScaffoldError: this program doesn't carry it; names the version.
    """
    if same(origin, newest[0]):
        return newest[1]
    if origin.tag in releases(bundle):
        with quarantine() as git:
            fetch(git, bundle)
            tree = tree_at(git, f"refs/tags/{origin.tag}")
        if same(origin, origin_of(tree)):
            return tree
        raise _missing(origin, "The project was made by a checkout that was never released.")
    raise _missing(origin, _advice(origin, newest[0], releases(bundle)))


def same(one: Origin, other: Origin) -> bool:
    """Say whether two origins are one state; where a digest is unknown the version decides."""
    known = bool(one.digest and other.digest)
    versions = (one.template, one.version) == (other.template, other.version)
    return versions and (not known or one.digest == other.digest)


def releases(bundle: Path | None = None) -> dict[str, str]:
    """Return tag -> commit id of all released trees; reads the bundle's header only."""
    try:
        with (bundle or BUNDLE).open("rb") as stream:
            header = itertools.takewhile(lambda line: line != b"\n", stream)
            found = map(_REFERENCE.fullmatch, header)
            return {match[2].decode(): match[1].decode() for match in found if match}
    except FileNotFoundError:
        return {}


def fetch(git: Git, bundle: Path | None = None) -> None:
    """Bring all released trees into a repository, with their tags."""
    git(
        "fetch",
        "--quiet",
        "--no-write-fetch-head",
        str(bundle or BUNDLE),
        "refs/tags/*:refs/tags/*",
    )


def order(version: str) -> tuple[int, ...]:
    """Return a key that sorts versions of the form X.Y.Z."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _advice(origin: Origin, newest: Origin, known: Iterable[str]) -> str:
    if origin.version == newest.version:
        return "It was made by another state of a checkout than this one."
    if order(origin.version) > order(newest.version):
        return "It is newer than this program: update scaffold."
    family = f"{origin.template}/v"
    versions = {tag.removeprefix(family) for tag in known if tag.startswith(family)}
    return f"Known are {', '.join(sorted({*versions, newest.version}, key=order))}."


def _missing(origin: Origin, advice: str) -> ScaffoldError:
    state = f" ({origin.digest[:12]})" if origin.digest else ""
    return ScaffoldError(f"this scaffold doesn't carry {origin}{state}", advice)
