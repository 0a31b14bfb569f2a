"""Lock again after a merge: locks are derived files, so they are made anew instead of merged."""

from __future__ import annotations

import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.lockfiles import EXPORT_ARGUMENTS, locked_pins
from scaffold.seed import pyproject_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scaffold.tree import Tree

SEED, EXPORT = "uv.lock", "requirements.lock"
PROJECT = "pyproject.toml"
TIMEOUT_SECONDS = 60.0
BY_HAND = "run `uv lock` and `make lock`"

Texts = dict[str, bytes]
"""Path -> content, of the few files that take part in locking."""


@dataclass(frozen=True, slots=True)
class Relocked:
    """The files to put in place of the user's, and what to tell the user (may be empty)."""

    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    detail: str = ""
    ok: bool = True


def is_due(ours: Texts, merged: bytes, base: Tree, theirs: Tree) -> bool:
    """Say whether the locks no longer fit: other dependencies, or other versions vetted."""
    if SEED not in ours or PROJECT not in ours:
        return False
    vetted_anew = any(base.get(name) != theirs.get(name) for name in (SEED, EXPORT))
    return vetted_anew or _decisive(ours[PROJECT]) != _decisive(merged)


def relock(ours: Texts, merged: bytes, base: Tree, theirs: Tree, *, offline: bool) -> Relocked:
    """Return new locks for the merged pyproject.toml.

    Where the user's dependencies are just the template's, its new vetted versions are taken over;
    otherwise uv resolves again, and keeps the versions that the user had.
    """
    try:
        if _is_plain(ours, merged, base, theirs):
            return _adopt(merged, theirs, offline=offline)
        return _resolve(ours, merged, offline=offline)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        return Relocked(detail=f"the lock wasn't made again ({error}); {BY_HAND}", ok=False)


def _is_plain(ours: Texts, merged: bytes, base: Tree, theirs: Tree) -> bool:
    vetted = all(name in base and name in theirs for name in (SEED, EXPORT))
    if not vetted or PROJECT not in theirs or ours.get(EXPORT) != base[EXPORT].data:
        return False
    same_versions = _pins(ours[SEED]) == _pins(base[SEED].data)
    return same_versions and _decisive(merged) == _decisive(theirs[PROJECT].data)


def _adopt(merged: bytes, theirs: Tree, *, offline: bool) -> Relocked:
    from scaffold.lock import complete_lock

    with tempfile.TemporaryDirectory(prefix="scaffold-lock-") as scratch:
        work = Path(scratch)
        _write(work, {PROJECT: merged, SEED: theirs[SEED].data, EXPORT: theirs[EXPORT].data})
        result = complete_lock(work, offline=offline)
        files = {SEED: (work / SEED).read_bytes(), EXPORT: theirs[EXPORT].data}
    return Relocked(files, result.detail, result.ok)


def _resolve(ours: Texts, merged: bytes, *, offline: bool) -> Relocked:
    from scaffold.uv_command import uv

    with tempfile.TemporaryDirectory(prefix="scaffold-lock-") as scratch:
        work = Path(scratch)
        _write(work, {**ours, PROJECT: merged})
        locked = uv(["lock", "--quiet"], cwd=work, offline=offline, timeout=TIMEOUT_SECONDS)
        if not locked.ok:
            complaint = f"`uv lock` failed ({locked.complaint})"
            return Relocked(detail=f"{complaint}; {BY_HAND}", ok=False)
        files = {SEED: (work / SEED).read_bytes()}
        if EXPORT in ours:
            asked = [*EXPORT_ARGUMENTS]
            exported = uv(asked, cwd=work, offline=True, timeout=TIMEOUT_SECONDS)
            if not exported.ok:
                return Relocked(files, f"`uv export` failed ({exported.complaint})", ok=False)
            files[EXPORT] = exported.stdout.encode()
    return Relocked(files, "uv.lock was locked again, keeping your versions")


def _write(folder: Path, files: Texts) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _pins(lock: bytes) -> frozenset[tuple[str, str]]:
    return locked_pins(lock.decode("utf-8"))


def _decisive(pyproject: bytes) -> str:
    """Return a digest of what decides the lock, or of everything where that can't be read."""
    with tempfile.TemporaryDirectory(prefix="scaffold-lock-") as scratch:
        _write(Path(scratch), {PROJECT: pyproject})
        try:
            return pyproject_digest(Path(scratch))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            return repr(pyproject)
