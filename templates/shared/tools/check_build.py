"""Build the distributions, install the wheel in an empty environment, and use it there.

The environment stays in build/venv, with nothing but what the wheel asks for, at the locked
versions: the smoke test serves from it.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

DIST = Path("dist")
VENV = Path("build/venv")
NEEDED = Path("build/needed.txt")
SEED_SOURCE = 'source = { registry = "." }'
# What a reader of an installed distribution relies on.
PROBE = """
import importlib, importlib.metadata, pathlib, sys
name, package = sys.argv[1:]
module = importlib.import_module(package)
home = pathlib.Path(module.__file__).resolve()
assert pathlib.Path(sys.prefix).resolve() in home.parents, f"imported from {home}"
print(importlib.metadata.version(name))
"""


class BuildError(Exception):
    """The distributions are not what pyproject.toml promises."""


def run(*command: str) -> str:
    """Run a command and return its stdout; BuildError with its last lines when it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-15:]
        raise BuildError("\n".join([" ".join(command), *last]))
    return done.stdout


def uv(*arguments: str) -> str:
    """Run uv, as run does."""
    return run("sh", "tools/uv.sh", "--quiet", *arguments)


def build() -> tuple[Path, Path]:
    """Build into an empty dist/ and return (sdist, wheel)."""
    uv("build", "--clear", "--out-dir", str(DIST))
    (sdist,), (wheel,) = DIST.glob("*.tar.gz"), DIST.glob("*.whl")
    return sdist, wheel


def check_contents(sdist: Path, wheel: Path, package: str) -> int:
    """Raise BuildError unless both hold every file of the package; return how many."""
    source = Path("src") / package
    files = {
        path.relative_to("src").as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name for name in archive.namelist() if name.startswith(f"{package}/")}
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/src/")[2] for name in archive.getnames() if "/src/" in name}
    for where, held in ((wheel, in_wheel), (sdist, in_sdist)):
        if missing := sorted(files - held):
            raise BuildError(f"{where.name} lacks {', '.join(missing)}")
    return len(files)


def check_metadata(wheel: Path, project: dict[str, Any]) -> None:
    """Raise BuildError unless the wheel's metadata is that of pyproject.toml."""
    with zipfile.ZipFile(wheel) as archive:
        member = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(member).decode())
    expected = {
        "Name": project["name"],
        "Version": project["version"],
        "Summary": project["description"],
        "Requires-Python": project["requires-python"],
        "License-Expression": project["license"],
    }
    for field, value in expected.items():
        if metadata[field] != value:
            raise BuildError(f"{wheel.name}: {field} is {metadata[field]!r}, expected {value!r}")
    if not metadata.get_payload():
        raise BuildError(f"{wheel.name} has no description: README.md is not in it")


def install(wheel: Path) -> Path:
    """Install the wheel and what it needs, as locked, in an empty environment; return its bin.

    Raises:
        BuildError: it can't be installed, or what it asks for isn't what the lock holds for it.
    """
    shutil.rmtree(VENV, ignore_errors=True)
    uv("venv", "--python", sys.executable, str(VENV))
    python = VENV / "bin" / "python"
    if SEED_SOURCE in Path("uv.lock").read_text(encoding="utf-8"):
        uv("pip", "install", "--python", str(python), "-c", "requirements.lock", str(wheel))
        return python.parent
    # By the lock alone, so that no index is asked for what is already here.
    exported = uv("export", "--locked", "--no-emit-project", "--no-default-groups")
    NEEDED.write_text(exported, encoding="utf-8")
    uv("pip", "sync", "--python", str(python), "--require-hashes", str(NEEDED))
    uv("pip", "install", "--python", str(python), "--no-deps", str(wheel))
    uv("pip", "check", "--python", str(python))
    return python.parent


def main() -> int:
    """Print one closing line; return 1 when a distribution is not right."""
    pyproject = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    project, package = pyproject["project"], pyproject["tool"]["uv"]["build-backend"]["module-name"]
    try:
        sdist, wheel = build()
        count = check_contents(sdist, wheel, package)
        check_metadata(wheel, project)
        binaries = install(wheel)
        version = run(str(binaries / "python"), "-I", "-c", PROBE, project["name"], package)
        for command in project.get("scripts", {}):
            run(str(binaries / command), "--help")
    except BuildError as error:
        print(f"{error}\ngate-build: failed")
        return 1
    print(
        f"gate-build: ok: {wheel.name} ({count} files, version {version.strip()}) runs in {VENV},"
        " an environment of its own"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
