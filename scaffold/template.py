"""A template, as the generator knows it, and where templates are found."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError
from scaffold.reserved import normalized

METADATA = "template.toml"
_PACKAGE = Path(__file__).parent
PACKED = _PACKAGE / "_compiled"
"""Where a wheel carries the compiled templates: NAME.json and NAME.zip."""
LIVING = _PACKAGE.parent / "templates"
"""Where a checkout, or an unpacked source distribution, has the living ones."""

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class Template:
    """What ``list`` and ``show`` say of a template, and what names it leaves free.

    Attributes:
        distributions: normalised names of all packages that a project depends on.
        modules: top-level modules that those packages, and the template's tests, bring.
        source: a living template's folder, or a compiled one's zip file.
    """

    name: str
    summary: str
    version: str
    highlights: tuple[str, ...]
    distributions: tuple[str, ...]
    modules: tuple[str, ...]
    source: Path

    def describe(self) -> dict[str, Any]:
        """Return all but the source as JSON values, as a wheel carries it."""
        values = asdict(self)
        del values["source"]
        return values


def available() -> dict[str, Template]:
    """Return the templates by name, sorted."""
    if PACKED.is_dir():
        found = [_read_packed(path) for path in PACKED.glob("*.json")]
    else:
        found = [read_living(path.parent) for path in LIVING.glob(f"*/{METADATA}")]
    return {template.name: template for template in sorted(found, key=lambda each: each.name)}


def read_living(folder: Path) -> Template:
    """Read a living template's metadata.

    Raises:
        ScaffoldError: ``template.toml`` or ``pyproject.toml`` is missing, malformed or incomplete.
    """
    metadata = _read_toml(folder / METADATA)
    project = _read_toml(folder / "pyproject.toml") if (folder / "pyproject.toml").exists() else {}
    distributions = _distributions(folder, project)
    modules = {name.replace("-", "_") for name in distributions} | _own_modules(folder)
    try:
        return Template(
            name=folder.name,
            summary=str(metadata["summary"]),
            version=str(metadata["version"]),
            highlights=tuple(map(str, metadata["highlights"])),
            distributions=tuple(sorted(distributions)),
            modules=tuple(sorted({*modules, *map(str, metadata.get("modules", ()))})),
            source=folder,
        )
    except KeyError as error:
        missing = f"{folder.name}/{METADATA} has no {error.args[0]}"
        raise ScaffoldError(missing, "It needs summary, version and highlights.") from error


def _read_packed(path: Path) -> Template:
    import json

    values = json.loads(path.read_text(encoding="utf-8"))
    return Template(
        name=values["name"],
        summary=values["summary"],
        version=values["version"],
        highlights=tuple(values["highlights"]),
        distributions=tuple(values["distributions"]),
        modules=tuple(values["modules"]),
        source=path.with_suffix(".zip"),
    )


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScaffoldError(f"{path.parent.name}/{path.name} can't be read: {error}") from error


def _distributions(folder: Path, project: dict[str, Any]) -> set[str]:
    requirements = list(project.get("project", {}).get("dependencies", []))
    for group in project.get("dependency-groups", {}).values():
        requirements += [entry for entry in group if isinstance(entry, str)]
    requirements += project.get("build-system", {}).get("requires", [])
    lock = folder / "requirements.lock"
    if lock.exists():
        requirements += [
            line
            for line in lock.read_text(encoding="utf-8").splitlines()
            if line and line[0].isalnum()
        ]
    found = (_REQUIREMENT.match(requirement) for requirement in requirements)
    return {normalized(match[1]) for match in found if match}


def _own_modules(folder: Path) -> set[str]:
    # pytest puts tests/ on the path, so what lies there is importable by its bare name.
    tests = folder / "tests"
    if not tests.is_dir():
        return set()
    return {path.stem for path in tests.glob("*.py")}
