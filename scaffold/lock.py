"""Complete a generated project's lock on the user's machine, and check it against the template.

The work is done in a scratch copy; the project's `uv.lock` is replaced in one rename or not at
all, so a failure, a time-out or an interrupt leaves the seed as it was.
"""

import os
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scaffold.lockfiles import EXPORT_ARGUMENTS, compare_hashes, is_seed, locked_pins, without_files
from scaffold.process import Outcome
from scaffold.uv_command import UvMissingError, uv

LockStatus = Literal["completed", "offline", "mismatch", "failed", "unneeded"]

TIMEOUT_SECONDS = 60.0

_UNREACHED = (
    "network was disabled",
    "failed to fetch",
    "error sending request",
    "dns error",
    "request failed after",
    "timed out",
)
_COPIED = ("pyproject.toml", "uv.lock", "uv.toml", ".python-version")
_LATER = "run `uv lock` there later"


@dataclass(frozen=True, slots=True)
class LockResult:
    """What became of the lock.

    - completed: `uv.lock` is whole and holds exactly the vetted versions and files;
    - offline: the registry could not be reached, the seed stands;
    - mismatch: the registry offers other files than the template was vetted with, the seed stands;
    - failed: uv said no, the seed stands;
    - unneeded: there is no seed to complete.

    `detail` is one line for the user; `differences` says what differs, one package an entry.
    """

    status: LockStatus
    detail: str
    differences: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether `uv sync --locked` can work now."""
        return self.status in {"completed", "unneeded"}


def complete_lock(
    project: Path, *, offline: bool = False, timeout: float = TIMEOUT_SECONDS
) -> LockResult:
    """Fill in the seed `uv.lock` of `project` and compare it with its `requirements.lock`.

    With `offline` only uv's cache is asked. Without a network this takes a few seconds at most;
    `timeout` (seconds) bounds the rest.
    """
    seed = project / "uv.lock"
    if not is_seed(seed):
        return LockResult("unneeded", "uv.lock is no seed, nothing to complete")
    with tempfile.TemporaryDirectory(prefix="scaffold-lock-") as scratch:
        work = Path(scratch)
        for name in _COPIED:
            if (project / name).is_file():
                shutil.copyfile(project / name, work / name)
        try:
            return _complete(project, work, offline=offline, timeout=timeout)
        except UvMissingError:
            return LockResult("failed", f"uv was not found, so the lock is not complete; {_LATER}")
        except OSError as error:
            reason = error.strerror or str(error)
            return LockResult("failed", f"the lock could not be written ({reason}); {_LATER}")
        except (tomllib.TOMLDecodeError, KeyError, UnicodeDecodeError) as error:
            return LockResult("failed", f"pyproject.toml or a lock cannot be read ({error})")


def _complete(project: Path, work: Path, *, offline: bool, timeout: float) -> LockResult:
    seed_pins = locked_pins((work / "uv.lock").read_text("utf-8"))
    locked = uv(["lock", "--quiet"], cwd=work, offline=offline, timeout=timeout)
    if not locked.ok:
        return _unlocked(locked, timeout)
    exported = uv([*EXPORT_ARGUMENTS], cwd=work, offline=True, timeout=timeout)
    if not exported.ok:
        return LockResult("failed", f"uv export failed ({exported.complaint}); {_LATER}")
    text = (work / "uv.lock").read_text("utf-8")
    differences = _version_differences(seed_pins, text)
    vetted = project / "requirements.lock"
    if vetted.is_file():
        compared = compare_hashes(vetted.read_text("utf-8"), exported.stdout)
        differences += [d for d in compared.changed if d not in differences]
        text = without_files(text, compared.added)
    if differences:
        many = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
        detail = f"the registry does not match requirements.lock: {differences[0]}{many}"
        return LockResult("mismatch", f"{detail}; uv.lock was left as it was", tuple(differences))
    _replace(project / "uv.lock", text)
    return LockResult("completed", f"uv.lock holds {len(seed_pins)} packages, hashes checked")


def _unlocked(outcome: Outcome, timeout: float) -> LockResult:
    said = outcome.stderr.lower()
    if outcome.timed_out:
        return LockResult("offline", f"the registry took more than {timeout:.0f} s; {_LATER}")
    if any(sign in said for sign in _UNREACHED):
        return LockResult("offline", f"the registry was not reached; {_LATER}")
    return LockResult("failed", f"uv lock failed ({_reason(outcome)}); {_LATER}")


def _reason(outcome: Outcome) -> str:
    # uv says "error: what" and then "cause: why": the last cause is the nearest to the user.
    lines = [line.strip() for line in outcome.stderr.splitlines() if line.strip()]
    causes = [line.removeprefix("cause: ") for line in lines if line.startswith("cause: ")]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (causes or errors or [outcome.complaint])[-1]


def _version_differences(seed: frozenset[tuple[str, str]], lock_text: str) -> list[str]:
    found = locked_pins(lock_text)
    return [
        *(f"{name} {version} was not kept" for name, version in sorted(seed - found)),
        *(f"{name} {version} is new" for name, version in sorted(found - seed)),
    ]


def _replace(target: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".uv.lock.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        shutil.copymode(target, name)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink()
        raise
