"""The maintainer's side of the history: add the present templates to the released trees.

    python -m scaffold.release            add each version that isn't there yet
    python -m scaffold.release --from PATH    an organisation's own, into PATH/history.bundle
    python -m scaffold.release --check    does each template that has a tag still equal its tag?

A release is never changed: a template that differs from its tag needs a new version. Versions
go up from release to release across all templates, so that an export can give one tag to each.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import history
from scaffold.errors import ScaffoldError
from scaffold.home import home_at
from scaffold.library import tree_of
from scaffold.objects import Commit, quarantine, tree_at, write_commits
from scaffold.record import origin_of
from scaffold.template import Template, available

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scaffold.plumbing import Git
    from scaffold.tree import Tree


def release(templates: Iterable[Template], bundle: Path) -> list[str]:
    """Add each template's present version to ``bundle`` and return the new tags.

    Commits depend on trees, versions and their order only, so two machines make the same ones.

    Raises:
        ScaffoldError: a version that is released already has another tree now.
    """
    known = history.releases(bundle)
    with quarantine() as git:
        if known:
            history.fetch(git, bundle)
        added: list[str] = []
        newest = max((history.order(_version(tag)) for tag in known), default=())
        for template in templates:
            tree = tree_of(template)
            tag = origin_of(tree).tag
            if tag in known:
                _require_equal(git, tag, tree)
            elif history.order(template.version) <= newest:
                message = f"{tag} isn't above the versions that are released already"
                raise ScaffoldError(message, "Raise `version` in its template.toml.", 1)
            else:
                _add(git, tag, tree, [each for each in known if _family(each) == _family(tag)])
                added.append(tag)
        if added:
            fresh = bundle.with_suffix(".new")
            git("bundle", "create", "--quiet", "--version=2", str(fresh.resolve()), "--tags")
            fresh.replace(bundle)
    return added


def _add(git: Git, tag: str, tree: Tree, earlier: list[str]) -> None:
    earlier.sort(key=lambda each: history.order(_version(each)))
    parent = f"refs/tags/{earlier[-1]}^0" if earlier else None
    write_commits(git, [Commit("release", tree, parent, f"{tag}\n", when=len(earlier))])
    git("update-ref", f"refs/tags/{tag}", "refs/heads/release")
    git("update-ref", "-d", "refs/heads/release")


def _require_equal(git: Git, tag: str, tree: Tree) -> None:
    if tree_at(git, f"refs/tags/{tag}") != tree:
        message = f"{tag} is released, and the template has changed since"
        raise ScaffoldError(message, "Raise `version` in its template.toml.", 1)


def _family(tag: str) -> str:
    return tag.rpartition("/v")[0]


def _version(tag: str) -> str:
    return tag.rpartition("/v")[2]


def _chosen(path: Path | None) -> tuple[Path, list[Template]]:
    if path is None:
        return history.BUNDLE, list(available().values())
    home = home_at(path)
    return home.bundle, [home.find(name) for name in home.templates]


def main(arguments: list[str] | None = None) -> int:
    """Run one command line; 0 done or equal, 1 a released version has changed."""
    parser = argparse.ArgumentParser(prog="python -m scaffold.release", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action="store_true", help="only look, write nothing")
    parser.add_argument(
        "--from", metavar="PATH", dest="home", type=Path, help="a folder of other living templates"
    )
    options = parser.parse_args(arguments)
    try:
        bundle, templates = _chosen(options.home)
        if options.check:
            known = history.releases(bundle)
            templates = [each for each in templates if f"{each.name}/v{each.version}" in known]
        added = release(templates, bundle)
    except ScaffoldError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(f"released {tag}" for tag in added) or "nothing new to release")
    return 0


if __name__ == "__main__":
    sys.exit(main())
