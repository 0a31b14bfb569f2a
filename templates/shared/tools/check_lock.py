"""Check that pyproject.toml, uv.lock and requirements.lock say the same.

A complete uv.lock is checked by uv itself, and requirements.lock against what uv exports from
it. A seed (versions only, not completed yet) is compared name by name and version by version.
"""

import difflib
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SEED_SOURCE = {"registry": "."}


def read_toml(path: Path) -> dict[str, Any]:
    """Return the document in `path`."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def locked_versions(uv_lock: dict[str, Any]) -> dict[str, str]:
    """Return name -> version of the packages in a uv.lock, the project itself left out."""
    return {
        package["name"]: package["version"]
        for package in uv_lock["package"]
        if "registry" in package["source"]
    }


def required_versions(requirements: str) -> dict[str, str]:
    """Return name -> version of a requirements.lock."""
    pins = (line.split(";")[0] for line in requirements.splitlines() if line[:1].isalnum())
    pairs = (pin.rstrip(" \\").split("==") for pin in pins)
    return {canonicalize_name(name): version.strip() for name, version in pairs}


def wanted(pyproject: dict[str, Any]) -> list[Requirement]:
    """Return every dependency that requirements.lock must hold, of all groups and extras.

    What `exclude-dependencies` of uv names (torch) is in no lock.
    """
    project, uv_settings = pyproject["project"], pyproject.get("tool", {}).get("uv", {})
    declared = [
        project["dependencies"],
        *project.get("optional-dependencies", {}).values(),
        *pyproject.get("dependency-groups", {}).values(),
    ]
    all_of_them = [
        Requirement(text) for texts in declared for text in texts if isinstance(text, str)
    ]
    unlocked = {canonicalize_name(name) for name in uv_settings.get("exclude-dependencies", [])}
    return [one for one in all_of_them if canonicalize_name(one.name) not in unlocked]


def seed_complaints(root: Path) -> list[str]:
    """Return what disagrees between a seed, requirements.lock and pyproject.toml."""
    seed = locked_versions(read_toml(root / "uv.lock"))
    pinned = required_versions((root / "requirements.lock").read_text(encoding="utf-8"))
    complaints = [
        f"{name}: {seed.get(name, 'absent')} in uv.lock, {pinned.get(name, 'absent')}"
        " in requirements.lock"
        for name in sorted(seed.keys() | pinned.keys())
        if seed.get(name) != pinned.get(name)
    ]
    for requirement in wanted(read_toml(root / "pyproject.toml")):
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            complaints.append(f"{requirement}: {version or 'not'} in requirements.lock")
    return complaints


def uv(*arguments: str, script: str = "uv") -> subprocess.CompletedProcess[str]:
    """Run one of the shell tools beside this file, and return what it printed.

    On the Python that runs this: uv would else fetch that of .python-version where it is absent.
    """
    return subprocess.run(
        ["sh", f"tools/{script}.sh", *arguments],
        env={**os.environ, "UV_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )


def lock_complaints(root: Path) -> list[str]:
    """Return what disagrees between a complete uv.lock and the other two files."""
    check = uv("lock", "--check", "--quiet")
    if check.returncode:
        return [check.stderr.strip() or "uv.lock is behind pyproject.toml"]
    exported = uv(script="export_lock").stdout.splitlines()
    shipped = (root / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return list(
        difflib.unified_diff(shipped, exported, "requirements.lock", "exported", n=0, lineterm="")
    )[:20]


def main() -> int:
    """Print one closing line; return 1 when the files disagree."""
    root = Path()
    packages = read_toml(root / "uv.lock")["package"]
    seed = any(package["source"] == SEED_SOURCE for package in packages)
    complaints = seed_complaints(root) if seed else lock_complaints(root)
    for complaint in complaints:
        print(complaint)
    if complaints:
        print("gate-lock: the files of the lock disagree: run make lock, and commit them")
        return 1
    state = "a seed of versions (make lock completes it)" if seed else "complete"
    print(f"gate-lock: ok: uv.lock is {state}; {len(packages)} packages agree in all three files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
