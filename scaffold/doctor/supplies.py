"""What scaffold carries, and what it fetches."""

# ruff: noqa: D102 - what `check` does is said by the docstring of its class

import json
import tempfile
import zipfile
from pathlib import Path

from scaffold.doctor.machine import Finding, Machine, fine, lacking
from scaffold.errors import ScaffoldError
from scaffold.library import tree_of
from scaffold.template import Template, available
from scaffold.tree import tree_digest
from scaffold.uv_command import UvMissingError, uv


class Templates:
    """the templates that scaffold carries are whole."""

    required = True

    @staticmethod
    def check(machine: Machine) -> Finding:
        del machine
        advice = "Install scaffold again."
        try:
            templates = available()
            broken = [name for name, template in templates.items() if not _whole(template)]
        except (OSError, ValueError, ScaffoldError, zipfile.BadZipFile) as error:
            return lacking(str(error), advice)
        if broken or not templates:
            return lacking(f"damaged: {', '.join(broken) or 'all missing'}", advice)
        return fine(", ".join(templates))


class Registry:
    """the package registry answers."""

    required = True

    @staticmethod
    def check(machine: Machine) -> Finding:
        del machine
        advice = "Look at your connection, proxy and UV_DEFAULT_INDEX."
        with tempfile.TemporaryDirectory(prefix="scaffold-doctor-") as scratch:
            wish = Path(scratch) / "wish.in"
            wish.write_text("uv\n", encoding="utf-8")
            arguments = ["pip", "compile", "--quiet", "--no-deps", "--no-cache", str(wish)]
            try:
                said = uv(arguments, cwd=Path(scratch), timeout=30)
            except UvMissingError:
                return lacking("no uv to ask with", "Install scaffold again.")
        if said.ok:
            return fine(f"yes, in {said.seconds:.1f} s")
        return lacking("no answer", advice)


def _whole(template: Template) -> bool:
    tree = tree_of(template)
    if template.source.suffix != ".zip":
        return True  # a living template has just been compiled; that is all there is to it
    described = json.loads(template.source.with_suffix(".json").read_text("utf-8"))
    return bool(described.get("digest") == tree_digest(tree))
