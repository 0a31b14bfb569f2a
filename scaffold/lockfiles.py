"""Read and write the two lock files of a template: the `uv.lock` seed and `requirements.lock`.

A seed is a `uv.lock` that names versions only: uv keeps exactly those and fills in files, hashes
and addresses on `uv lock`. `requirements.lock` is what `uv export` writes, with hashes and
without addresses.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

EXPORT_ARGUMENTS = (
    "export",
    "--quiet",
    "--frozen",
    "--no-header",
    "--no-annotate",
    "--no-emit-project",
    "--all-groups",
    "--format=requirements.txt",
)
_SEED_SOURCE = 'source = { registry = "." }'
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=(?P<hash>sha\d+:[0-9a-f]+)")
_LOCKED_FILE = re.compile(r'hash = "(?P<hash>sha\d+:[0-9a-f]+)"')

Pin = tuple[str, str]
"""A package's name and its version."""


def is_seed(lock: Path) -> bool:
    """Whether `lock` still is a seed, to be completed by `uv lock`."""
    try:
        return _SEED_SOURCE in lock.read_text("utf-8").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def locked_pins(lock_text: str) -> frozenset[Pin]:
    """Return the packages from a registry in a seed or in a whole `uv.lock`.

    Raises:
        tomllib.TOMLDecodeError: the text is no TOML.
        KeyError: a package has no name or version.
    """
    packages = tomllib.loads(lock_text).get("package", [])
    return frozenset(
        (package["name"], package["version"])
        for package in packages
        if "registry" in package.get("source", {})
    )


def pinned_hashes(requirements: str) -> dict[Pin, frozenset[str]]:
    """Return the hashes of each pinned package in a `requirements.lock`."""
    pins: dict[Pin, set[str]] = {}
    current: set[str] = set()
    for line in requirements.splitlines():
        if pin := _PIN.match(line):
            current = pins.setdefault((pin["name"], pin["version"]), set())
        current.update(_HASH.findall(line))
    return {pin: frozenset(hashes) for pin, hashes in pins.items()}


@dataclass(frozen=True, slots=True)
class HashDifference:
    """How a completed lock differs from `requirements.lock`, package by package.

    `added` lists files that the registry has gained since: no danger, they are left out.
    """

    changed: tuple[str, ...] = ()
    added: frozenset[str] = field(default=frozenset())

    @property
    def same(self) -> bool:
        """Whether each vetted file is there and no package was gained or lost."""
        return not self.changed


def compare_hashes(expected: str, actual: str) -> HashDifference:
    """Compare two exports, the vetted one (`expected`) and one from the completed lock."""
    wanted, found = pinned_hashes(expected), pinned_hashes(actual)
    changed = [
        *(f"{_show(pin)} is not in the completed lock" for pin in sorted(wanted.keys() - found)),
        *(f"{_show(pin)} is not in requirements.lock" for pin in sorted(found.keys() - wanted)),
    ]
    added: set[str] = set()
    for pin in sorted(wanted.keys() & found):
        if missing := wanted[pin] - found[pin]:
            known = "hash" if len(missing) == 1 else "hashes"
            changed.append(f"{_show(pin)}: the registry lacks {len(missing)} vetted {known}")
        added |= found[pin] - wanted[pin]
    return HashDifference(tuple(changed), frozenset(added))


def without_files(lock_text: str, hashes: frozenset[str]) -> str:
    """Return a `uv.lock` without the sdists and wheels that have one of `hashes`."""
    kept = [
        line
        for line in lock_text.splitlines(keepends=True)
        if not ((found := _LOCKED_FILE.search(line)) and found["hash"] in hashes)
    ]
    return "".join(kept)


def make_seed(lock_text: str, notes: Iterable[str]) -> str:
    """Return the seed of a whole `uv.lock`, headed by `notes` as comments.

    It keeps the header, and of each package from a registry the name, the version and, where
    uv locked several versions, the markers that choose between them.
    """
    lock = tomllib.loads(lock_text)
    blocks = ["".join(f"# {note}\n" for note in notes) + _header(lock)]
    blocks += [_package(package) for package in lock["package"] if "registry" in package["source"]]
    return "\n".join(blocks)


def _header(lock: dict[str, object]) -> str:
    lines = [
        f"version = {lock['version']}",
        f"revision = {lock['revision']}",
        f'requires-python = "{lock["requires-python"]}"',
        *_markers(lock),
    ]
    return "\n".join(lines) + "\n"


def _package(package: dict[str, object]) -> str:
    lines = [
        "[[package]]",
        f'name = "{package["name"]}"',
        f'version = "{package["version"]}"',
        _SEED_SOURCE,
        *_markers(package),
    ]
    return "\n".join(lines) + "\n"


def _markers(table: dict[str, object]) -> list[str]:
    markers = cast("list[str] | None", table.get("resolution-markers"))
    if markers is None:
        return []
    return ["resolution-markers = [", *(f'    "{marker}",' for marker in markers), "]"]


def _show(pin: Pin) -> str:
    return f"{pin[0]} {pin[1]}"
