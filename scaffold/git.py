"""Give a new project its repository and first commit, whatever the user's git is set up to do.

Hooks, templates, signing, ignore files and line-ending rules of the user or the machine are
left aside, so that the commit holds exactly the project's files and nothing can prompt or hang.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffold.process import Outcome, run

TIMEOUT_SECONDS = 60.0

_KEPT_GIT_VARIABLES = frozenset(
    {
        "GIT_AUTHOR_EMAIL",
        "GIT_AUTHOR_NAME",
        "GIT_CEILING_DIRECTORIES",
        "GIT_COMMITTER_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_EXEC_PATH",
        "GIT_PROXY_COMMAND",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "GIT_SSL_NO_VERIFY",
    }
)

_PLAIN_SETTINGS = {
    "commit.gpgSign": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.safecrlf": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}


@dataclass(frozen=True, slots=True)
class Author:
    """Who made the project, as the questions asked it."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class GitResult:
    """What became of the repository: the commit's id, or None and a `note` that says why not.

    `note` may also accompany a commit, to say something worth knowing.
    """

    commit: str | None
    note: str = ""


def init_and_commit(
    project: Path, message: str, author: Author | None = None, *, at: Path | None = None
) -> GitResult:
    """Make `project` a repository on branch main with all its files in one commit.

    Never prompts and never raises for what git says: a problem becomes the result's note, and
    the half-made repository is removed. Where git knows no identity, `author` signs this one
    commit. A project inside another repository stays part of that one, unless it is ignored there;
    `at` is where the project will lie, when it is to be moved there.
    """
    if shutil.which("git") is None:
        return GitResult(None, "git is not installed, so there is no repository yet")
    if (project / ".git").exists():
        return GitResult(None, "the project is a repository already, so nothing was committed")
    outer = enclosing_repository(project.parent)
    if outer is not None and not _ignored(at or project, outer):
        note = f"the project lies inside the repository {outer}, so it is yours to commit there"
        return GitResult(None, note)
    try:
        result = _init_and_commit(project, message, author)
    except BaseException:
        _remove_repository(project)
        raise
    if result.commit is None:
        _remove_repository(project)
    return result


def commit_paths(
    project: Path, message: str, paths: list[str], author: Author | None = None
) -> GitResult:
    """Commit what changed in `paths` (relative to `project`), on top of what is there.

    Nothing to commit is not a problem: the result then has neither commit nor note.
    """
    if not (project / ".git").exists() or shutil.which("git") is None:
        return GitResult(None)
    if git(project, "diff", "--quiet", "HEAD", "--", *paths).returncode == 0:
        return GitResult(None)
    return _commit(project, message, author, ["--only", "--", *paths])


def enclosing_repository(folder: Path) -> Path | None:
    """Return the work tree in which `folder` lies, or None (also where git is absent)."""
    if shutil.which("git") is None:
        return None
    found = git(folder, "rev-parse", "--show-toplevel")
    top = found.stdout.removesuffix("\n")
    return Path(top) if found.ok and top else None


def git(cwd: Path, *arguments: str, identity: Mapping[str, str] | None = None) -> Outcome:
    """Run git in `cwd` with no prompt, no hook and none of the GIT_* that name another repository.

    Raises:
        OSError: git cannot be started there.
    """
    settings = [part for k, v in _PLAIN_SETTINGS.items() for part in ("-c", f"{k}={v}")]
    env = {**git_environment(), **(identity or {})}
    return run(["git", *settings, *arguments], cwd=cwd, env=env, timeout=TIMEOUT_SECONDS)


def git_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for git: ours without what would redirect it or make it ask."""
    kept = without_redirections(os.environ if base is None else base)
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    return {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes", **kept, **quiet}


def without_redirections(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` without the GIT_* that name another repository, index or hook."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("GIT_") or name in _KEPT_GIT_VARIABLES
    }


def _init_and_commit(project: Path, message: str, author: Author | None) -> GitResult:
    made = git(project, "init", "-q", "-b", "main", "--template=", "--object-format=sha1")
    if not made.ok:
        return GitResult(None, f"git init failed: {made.complaint}")
    added = git(project, "add", "--all", "--", ".")
    if not added.ok:
        return GitResult(None, f"git add failed: {added.complaint}")
    return _commit(project, message, author, [])


def _commit(project: Path, message: str, author: Author | None, what: list[str]) -> GitResult:
    identity = {} if _identity_known(project) else _identity(author)
    arguments = ["--no-verify", "--no-gpg-sign", "-q", "-m", message, *what]
    done = git(project, "commit", *arguments, identity=identity)
    if not done.ok:
        return GitResult(None, f"git commit failed: {done.complaint}")
    head = git(project, "rev-parse", "HEAD").stdout.strip()
    if not identity:
        return GitResult(head)
    signed = identity["GIT_AUTHOR_NAME"]
    note = f"git knows no user.name and user.email, so {signed} signed this commit only"
    return GitResult(head, note)


def _identity_known(project: Path) -> bool:
    # Without useConfigOnly git invents an address from the name of the machine.
    strict = ("-c", "user.useConfigOnly=true")
    return all(git(project, *strict, "var", f"GIT_{who}_IDENT").ok for who in _ROLES)


_ROLES = ("AUTHOR", "COMMITTER")


def _identity(author: Author | None) -> dict[str, str]:
    name = author.name if author and _usable(author.name) else "Portfolio Author"
    email = author.email if author and _usable(author.email) else "author@portfolio.example"
    pairs = (("NAME", name), ("EMAIL", email))
    return {f"GIT_{who}_{what}": value for who in _ROLES for what, value in pairs}


def _usable(value: str) -> bool:
    # git drops these characters and refuses what is then empty.
    return bool(value.strip(" \t\n.,:;<>\"\\'"))


def _ignored(project: Path, outer: Path) -> bool:
    return git(outer, "check-ignore", "-q", "--", str(project.resolve())).returncode == 0


def _remove_repository(project: Path) -> None:
    shutil.rmtree(project / ".git", ignore_errors=True)
