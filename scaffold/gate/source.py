"""Make the clean copy that is verified: a clone of what is committed, else the files themselves."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.git import enclosing_repository, git, init_and_commit

_NAMED = 3  # so many changed files are named, the rest is counted


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The copy in `folder`; `commit` is what it holds, `notes` what the user should know of it."""

    folder: Path
    commit: str | None
    notes: tuple[str, ...] = ()


def require_project(project: Path) -> None:
    """Raise a one-line error unless `project` is a folder whose Makefile has a gate.

    Raises:
        ScaffoldError: it is not.
    """
    if not project.is_dir():
        raise ScaffoldError(f"there is no folder {project}", "Name a project's folder.")
    try:
        lines = (project / "Makefile").read_text("utf-8", errors="replace").splitlines()
    except (FileNotFoundError, IsADirectoryError):
        raise ScaffoldError(
            f"{project} is no project that can be verified: it has no Makefile",
            "Name the folder that `scaffold new` made.",
        ) from None
    if not any(line.startswith("gate-steps:") for line in lines):
        raise ScaffoldError(
            f"{project} is no project that can be verified: its Makefile has no gate-steps",
            "Name the folder that `scaffold new` made.",
        )


def take(project: Path, into: Path) -> Snapshot:
    """Copy `project` into a new folder of its own name under `into`.

    The top of a repository is cloned as it is committed; elsewhere the files are copied that the
    project's own .gitignore does not leave out.

    Raises:
        ScaffoldError: git cannot read the project.
    """
    project = project.resolve()
    folder = into / project.name
    top = enclosing_repository(project)
    if top is not None and top.resolve() == project:
        head = git(project, "rev-parse", "--verify", "--quiet", "HEAD")
        if head.ok:
            return _clone(project, folder, head.stdout.strip())
        return _copy(
            project, folder, "nothing is committed yet, so the files were copied as they are"
        )
    return _copy(
        project, folder, "not a repository of its own, so its files were copied as they are"
    )


def _clone(project: Path, folder: Path, commit: str) -> Snapshot:
    arguments = ("-q", "--no-hardlinks", "--no-tags", "--template=", "--origin=verified")
    cloned = git(project.parent, "clone", *arguments, "--", str(project), str(folder))
    if not cloned.ok:
        raise ScaffoldError(f"{project} cannot be cloned ({cloned.complaint})", exit_code=1)
    git(folder, "checkout", "-q", "--detach", commit)
    git(folder, "remote", "remove", "verified")
    return Snapshot(folder, commit, _uncommitted(project))


def _uncommitted(project: Path) -> tuple[str, ...]:
    status = git(project, "status", "--porcelain", "-z", "--no-renames")
    changed = [entry[3:] for entry in status.stdout.split("\0") if entry]
    if not changed:
        return ()
    named = ", ".join(changed[:_NAMED]) + (", ..." if len(changed) > _NAMED else "")
    noun = "change is" if len(changed) == 1 else "changes are"
    return (f"{len(changed)} uncommitted {noun} left out: {named}",)


def _copy(project: Path, folder: Path, note: str) -> Snapshot:
    for name in _listed(project, folder.parent):
        _copy_entry(project, name, folder)
    # The gate is used to a repository, whatever the original is.
    init_and_commit(folder, "Files as they were found")
    return Snapshot(folder, None, (note,))


def _listed(project: Path, scratch: Path) -> list[str]:
    # An empty repository elsewhere lets git apply the project's ignore rules, and only those.
    bare = scratch / "listing.git"
    git(scratch, "init", "-q", "--bare", "--template=", str(bare))
    where = (f"--git-dir={bare}", f"--work-tree={project}")
    listed = git(
        project,
        *where,
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-per-directory=.gitignore",
    )
    shutil.rmtree(bare, ignore_errors=True)
    if not listed.ok:
        raise ScaffoldError(f"git cannot list {project} ({listed.complaint})", exit_code=1)
    return [name for name in listed.stdout.split("\0") if name and not name.endswith("/")]


def _copy_entry(project: Path, name: str, folder: Path) -> None:
    source, target = project / name, folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink() and source.resolve().is_relative_to(project):
        target.symlink_to(source.readlink())
    elif source.is_dir():  # a link that leaves the project: what it leads to belongs to the copy
        skipped = shutil.ignore_patterns("__pycache__", "*.pyc", ".git")
        shutil.copytree(source, target, ignore=skipped, dirs_exist_ok=True)
    elif source.exists():
        shutil.copy2(source, target)
