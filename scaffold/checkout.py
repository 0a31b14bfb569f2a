"""The user's repository, as far as an update reads it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.plumbing import Git

_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A project inside a work tree.

    Attributes:
        project: the project's folder.
        top: the work tree's top, which is another folder when the project is a part of it.
        prefix: the project's path inside the work tree: empty, or ending with a slash.
        git_dir: what belongs to this work tree alone: index, HEAD, our journal.
        objects: the folder of the repository's objects.
        object_format: ``sha1`` or ``sha256``.
        head: the id of the commit that is checked out.
        tree: the id of the project's tree in that commit.
    """

    project: Path
    top: Path
    prefix: str
    git_dir: Path
    objects: Path
    object_format: str
    head: str
    tree: str

    @property
    def git(self) -> Git:
        """Git at the top of the work tree, with the user's own configuration."""
        return Git(self.top)

    @property
    def index(self) -> Path:
        """The index file."""
        return self.git_dir / "index"


def open_checkout(project: Path) -> Checkout:
    """Look at the repository that holds ``project``.

    Raises:
        ScaffoldError: there is none, or nothing is committed yet.
    """
    project = project.resolve()
    git = Git(project)
    commit_it = f"Run `git -C {project} init`, `git add -A` and `git commit` first."
    asked = ("--show-toplevel", "--absolute-git-dir", "--git-path", "objects")
    layout = git("rev-parse", "--show-object-format", *asked, "--show-prefix", accept=(0, 128))
    if layout.returncode:
        if "not a git repository" in layout.complaint:
            raise ScaffoldError(f"{project} is in no git repository", commit_it)
        raise ScaffoldError(f"git refuses {project}: {layout.complaint.removeprefix('fatal: ')}")
    object_format, top, git_dir, objects, prefix = os.fsdecode(layout.stdout).split("\n")[:5]
    # A bare `HEAD:` is the whole tree, `HEAD:some/folder/` that of the folder.
    at_head = git("rev-parse", "--verify", "--quiet", "HEAD", accept=(0, 1, 128))
    tree = git("rev-parse", "--verify", "--quiet", f"HEAD:{prefix}", accept=(0, 1, 128))
    if at_head.returncode or tree.returncode:
        raise ScaffoldError(f"{project} isn't committed yet", commit_it)
    return Checkout(
        project=project,
        top=Path(top),
        prefix=prefix,
        git_dir=Path(git_dir),
        objects=project / objects,
        object_format=object_format,
        head=at_head.line,
        tree=tree.line,
    )


def require_clean(checkout: Checkout) -> None:
    """Refuse a work tree with changes that aren't committed, or in the middle of something.

    Untracked files don't count: none of them is ever overwritten.

    Raises:
        ScaffoldError: names what is changed.
    """
    for name, what in _UNDER_WAY.items():
        if (checkout.git_dir / name).exists():
            raise ScaffoldError(f"{what} is under way in {checkout.top}", "Finish or abort it.")
    where = checkout.prefix or "."
    asked = ("--porcelain", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=all")
    changed = [line[3:] for line in checkout.git("status", *asked, "--", where).fields]
    if changed:
        raise ScaffoldError(
            f"{checkout.project} has uncommitted changes ({few(changed)})",
            "Commit or stash them, then try again.",
        )


def few(paths: list[str], most: int = 3) -> str:
    """Return a short list for a message."""
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
