"""Find a template by its name, and get its tree, wherever it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.nearest import nearest
from scaffold.template import Template, available

if TYPE_CHECKING:
    from scaffold.tree import Tree


def find(name: str) -> Template:
    """Return the template of that name.

    Raises:
        ScaffoldError: there is none; names the nearest one.
    """
    templates = available()
    if name in templates:
        return templates[name]
    near = nearest(name, templates)
    hint = f"Did you mean `{near}`?" if near else "`scaffold list` shows what there is."
    raise ScaffoldError(f"there is no template `{name}`", hint)


def tree_of(template: Template) -> Tree:
    """Return a template's compiled tree: unpacked from a wheel, or compiled on the fly."""
    if template.source.suffix == ".zip":
        from scaffold.pack import unpack

        return unpack(template.source)
    from scaffold.compile import compile_template

    return compile_template(template)
