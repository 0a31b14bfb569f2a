"""Make a project of one of our templates: render, lock, commit, and only then put in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold.library import tree_of
from scaffold.place import staged, write_tree
from scaffold.render import render

if TYPE_CHECKING:
    from pathlib import Path

    from scaffold.answers import Answers
    from scaffold.console import Console
    from scaffold.git import GitResult
    from scaffold.lock import LockResult
    from scaffold.place import Plan
    from scaffold.template import Template
    from scaffold.tree import Tree


@dataclass(frozen=True, slots=True)
class Created:
    """A project that is in place, and what became of its lock and repository (None: not wanted)."""

    path: Path
    files: int
    lock: LockResult | None
    git: GitResult | None


def create(  # noqa: PLR0913 - two switches, each named where it is used
    template: Template,
    answers: Answers,
    where: Plan,
    console: Console,
    *,
    lock: bool = True,
    git: bool = True,
    tree: Tree | None = None,
) -> Created:
    """Make the project and return what was done; ``tree`` is it rendered, where it is already.

    The lock is completed and the first commit made before the project appears at its
    destination: so the commit holds the completed lock, the work tree is clean, and nobody ever
    sees a project that is half of this.

    Raises:
        ScaffoldError: the template can't be compiled or the project not be written; nothing is
            left behind then. What git or uv refuse is told and recorded, but no error.
    """
    if tree is None:
        tree = render(tree_of(template), answers)
    with staged(where) as project:
        write_tree(tree, project)
        console.done(f"{len(tree)} files from {template.name} {template.version}")
        locked = _lock(project, console) if lock else None
        committed = _commit(project, where, template, answers, console) if git else None
    return Created(where.destination, len(tree), locked, committed)


def _lock(project: Path, console: Console) -> LockResult:
    from scaffold.lock import complete_lock

    console.progress("completing uv.lock…")
    result = complete_lock(project)
    console.clear_progress()
    (console.done if result.ok else console.warn)(result.detail)
    return result


def _commit(
    project: Path, where: Plan, template: Template, answers: Answers, console: Console
) -> GitResult:
    from scaffold.git import Author, init_and_commit

    message = f"Start from the {template.name} template, version {template.version}"
    author = Author(answers.author_name, answers.author_email)
    result = init_and_commit(project, message, author, at=where.destination)
    if result.commit:
        console.done(f"first commit {result.commit[:8]} on main")
    if result.note:
        console.warn(result.note)
    return result
