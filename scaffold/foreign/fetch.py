"""Get a template, once, into a scratch folder: what is inspected there is what is then used."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.foreign.inspection import engine_of
from scaffold.git import enclosing_repository, git, git_environment
from scaffold.process import Outcome, run

FETCH_SECONDS = 180.0

_SHORTHANDS = {
    "gh": "https://github.com/{}.git",
    "gl": "https://gitlab.com/{}.git",
    "bb": "https://bitbucket.org/{}.git",
}
_SHORTHAND = re.compile(r"(?P<host>gh|gl|bb):/?/?(?P<path>[\w.-]+(?:/[\w.-]+)+?)(?:\.git)?/?")
_URL = re.compile(r"(git\+)?(https?|ssh|git|file)://\S+|[\w.-]+@[\w.-]+:\S+")
_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)(?:\.post\d+)?")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A template in `folder`, ours alone; `commit` is None when it comes from no repository."""

    source: str
    folder: Path
    commit: str | None


def is_foreign(spec: str) -> bool:
    """Whether `spec` reads as a path or an address, not as the name of a template of ours."""
    looks = _SHORTHAND.fullmatch(spec) or _URL.fullmatch(spec)
    return bool(looks) or "/" in spec or "\\" in spec or spec in {".", ".."} or spec[:1] == "~"


def fetch(spec: str, scratch: Path, ref: str = "") -> Fetched:
    """Clone or copy the template into `scratch`.

    A repository is taken at `ref`, else at its HEAD; what is not committed is left out. A folder
    that is no repository of its own is copied as it is.

    Raises:
        ScaffoldError: it can't be had.
    """
    folder = scratch / "template"
    if shorthand := _SHORTHAND.fullmatch(spec):
        address = _SHORTHANDS[shorthand["host"]].format(shorthand["path"])
        return _clone(spec, address, folder, ref)
    if _URL.fullmatch(spec):
        return _clone(spec, spec.removeprefix("git+"), folder, ref)
    path = Path(spec).expanduser()
    if not path.is_dir():
        kind = "is a file" if path.exists() else "is not there"
        hint = "Name a folder, a git address or gh:owner/repo."
        raise ScaffoldError(f"the template {spec} {kind}", hint)
    path = path.resolve()
    top = enclosing_repository(path)
    if top is not None and top.resolve() == path and git(path, "rev-parse", "HEAD").ok:
        return _clone(str(path), str(path), folder, ref)
    if ref:
        raise ScaffoldError(f"{spec} is no repository, so it has no --ref {ref}")
    engine_of(path, spec)  # a large folder that is no template isn't copied in vain
    _copy(path, folder)
    return Fetched(str(path), folder, None)


def use_latest_release(fetched: Fetched) -> Fetched:
    """Check out the newest tag that is a final version, as Copier does; unchanged without one."""
    tags = git(fetched.folder, "tag", "--list").stdout.split()
    releases = {tag: match[1] for tag in tags if (match := _RELEASE.fullmatch(tag))}
    if not releases:
        return fetched
    newest = max(releases, key=lambda tag: [int(part) for part in releases[tag].split(".")])
    return _checked_out(fetched, f"refs/tags/{newest}")


def _clone(source: str, address: str, folder: Path, ref: str) -> Fetched:
    arguments = ["clone", "--quiet", "--template=", "--no-hardlinks", "--recurse-submodules"]
    done = _git_online([*arguments, "--", address, str(folder)])
    if not done.ok:
        said = "it took too long" if done.timed_out else _complaint(done)
        hint = "Look at the address and at your access to it."
        raise ScaffoldError(f"{source} can't be fetched ({said})", hint, exit_code=1)
    fetched = Fetched(source, folder, "")
    if ref:
        found = [
            r for r in (ref, f"origin/{ref}") if git(folder, "cat-file", "-e", f"{r}^{{commit}}").ok
        ]
        if ref.startswith("-") or not found:
            raise ScaffoldError(f"{source} has no branch, tag or commit {ref}")
        return _checked_out(fetched, found[0])
    return _with_commit(fetched)


def _checked_out(fetched: Fetched, ref: str) -> Fetched:
    done = git(fetched.folder, "checkout", "--quiet", "--force", "--detach", ref)
    if not done.ok:
        raise ScaffoldError(
            f"{fetched.source} can't be used at {ref} ({done.complaint})", exit_code=1
        )
    return _with_commit(fetched)


def _with_commit(fetched: Fetched) -> Fetched:
    head = git(fetched.folder, "rev-parse", "HEAD")
    if not head.ok:
        raise ScaffoldError(f"{fetched.source} is an empty repository")
    return Fetched(fetched.source, fetched.folder, head.stdout.strip())


def _git_online(arguments: list[str]) -> Outcome:
    plain = ["-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false"]
    try:
        return run(["git", *plain, *arguments], env=git_environment(), timeout=FETCH_SECONDS)
    except FileNotFoundError:
        raise ScaffoldError("git is not installed", "`scaffold doctor` says how.") from None


def _complaint(outcome: Outcome) -> str:
    lines = [line.removeprefix("fatal: ") for line in outcome.stderr.splitlines() if line.strip()]
    fatal = [line for line in outcome.stderr.splitlines() if line.startswith("fatal: ")]
    return fatal[0].removeprefix("fatal: ").strip() if fatal else (lines or ["git failed"])[-1]


def _copy(path: Path, folder: Path) -> None:
    try:
        shutil.copytree(path, folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    except (shutil.Error, OSError) as error:
        raise ScaffoldError(f"the template {path} can't be read ({error})", exit_code=1) from error
