"""The maintainer's side of the lock: make a template's `uv.lock` seed and `requirements.lock`.

    python -m scaffold.seed templates/streaming-pipeline             make both anew
    python -m scaffold.seed templates/streaming-pipeline --upgrade   with the newest versions
    python -m scaffold.seed templates/streaming-pipeline --check     is anything out of step?

`--check` needs no network: the seed's first lines hold digests of what it was made from.
"""

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.lockfiles import EXPORT_ARGUMENTS, is_seed, locked_pins, make_seed, pinned_hashes
from scaffold.process import Outcome
from scaffold.uv_command import uv

_DIGESTED = ("requires-python", "dependencies", "optional-dependencies")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|\bfile:|\b[\w-]+\.(?:org|com|io|net)\b")


def make(template: Path, *, upgrade: bool = False) -> int:
    """Write `uv.lock` (a seed) and `requirements.lock` of the template; return the packages' number.

    The versions of the seed that is there are kept, unless `upgrade`. The work is done in a
    scratch copy, so uv never touches the template.

    Raises:
        ScaffoldError: uv cannot lock, or a file would name a host.
    """
    with tempfile.TemporaryDirectory(prefix="scaffold-seed-") as scratch:
        work = Path(scratch)
        shutil.copyfile(template / "pyproject.toml", work / "pyproject.toml")
        if not upgrade and (template / "uv.lock").is_file():
            shutil.copyfile(template / "uv.lock", work / "uv.lock")
        _insist(uv(["lock", "--quiet"], cwd=work), "uv lock")
        exported = _insist(uv([*EXPORT_ARGUMENTS], cwd=work), "uv export").stdout
        lock_text = (work / "uv.lock").read_text("utf-8")
    notes = (
        "A seed: `uv lock` keeps these versions and fills in the rest. Made by scaffold.seed.",
        f"pyproject {pyproject_digest(template)}",
        f"requirements {_digest(exported)}",
    )
    seed = make_seed(lock_text, notes)
    for name, text in (("uv.lock", seed), ("requirements.lock", exported)):
        if found := _ADDRESS.search(text):
            raise ScaffoldError(f"{name} would hold an address ({found.group()})")
    _write(template / "uv.lock", seed)
    _write(template / "requirements.lock", exported)
    return len(locked_pins(seed))


def drift(template: Path) -> list[str]:
    """Say, a line each, how pyproject.toml, seed and requirements.lock disagree (offline)."""
    seed, requirements = template / "uv.lock", template / "requirements.lock"
    if missing := [path.name for path in (seed, requirements) if not path.is_file()]:
        return [f"{name} is missing" for name in missing]
    if not is_seed(seed):
        return ["uv.lock is a whole lock, not a seed"]
    seed_text, requirements_text = seed.read_text("utf-8"), requirements.read_text("utf-8")
    found: list[str] = []
    if f"# pyproject {pyproject_digest(template)}\n" not in seed_text:
        found.append("the dependencies in pyproject.toml are not those that the seed was made from")
    if f"# requirements {_digest(requirements_text)}\n" not in seed_text:
        found.append("requirements.lock is not the one that was made with the seed")
    foreign = pinned_hashes(requirements_text).keys() - locked_pins(seed_text)
    found += [f"{name} {version} is not in the seed" for name, version in sorted(foreign)]
    for path, text in ((seed, seed_text), (requirements, requirements_text)):
        if address := _ADDRESS.search(text):
            found.append(f"{path.name} holds an address ({address.group()})")
    return found


def pyproject_digest(template: Path) -> str:
    """Return the SHA-256 (hex) of everything in pyproject.toml that decides what uv locks."""
    whole = tomllib.loads((template / "pyproject.toml").read_text("utf-8"))
    project, tool = whole.get("project", {}), whole.get("tool", {}).get("uv", {})
    decisive = {
        "project": {key: project[key] for key in _DIGESTED if key in project},
        "groups": whole.get("dependency-groups", {}),
        "uv": {key: value for key, value in tool.items() if key != "build-backend"},
    }
    return _digest(json.dumps(decisive, sort_keys=True))


def main(arguments: list[str] | None = None) -> int:
    """Run one command line; 0 done or in step, 1 drift, 2 it could not be made."""
    parser = argparse.ArgumentParser(prog="python -m scaffold.seed", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("templates", nargs="+", type=Path, metavar="TEMPLATE")
    parser.add_argument("--check", action="store_true", help="only look, write nothing")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    options = parser.parse_args(arguments)
    status = 0
    for template in options.templates:
        try:
            if options.check:
                status |= _report(template, drift(template))
            else:
                print(f"{template.name}: {make(template, upgrade=options.upgrade)} packages")
        except (ScaffoldError, OSError, tomllib.TOMLDecodeError) as error:
            print(f"{template.name}: {error}", file=sys.stderr)
            return 2
    return status


def _report(template: Path, found: list[str]) -> int:
    for line in found:
        print(f"{template.name}: {line}; run `python -m scaffold.seed {template}`", file=sys.stderr)
    if not found:
        print(f"{template.name}: in step")
    return int(bool(found))


def _insist(outcome: Outcome, what: str) -> Outcome:
    if not outcome.ok:
        raise ScaffoldError(f"{what} failed: {outcome.stderr.strip()}")
    return outcome


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


if __name__ == "__main__":
    sys.exit(main())
