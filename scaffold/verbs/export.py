"""``scaffold export``: the templates for people who use Copier, Cookiecutter, or just clone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.exports import write_repository
from scaffold.library import find
from scaffold.place import plan, staged
from scaffold.report import Report
from scaffold.template import Template, available

if TYPE_CHECKING:
    import argparse

    from scaffold.console import Console

EXAMPLES = """\
examples:
  scaffold export --format copier my-templates          then `copier copy my-templates PROJECT`
  scaffold export --format cookiecutter my-templates    then `cookiecutter my-templates`
  scaffold export --format projects ready               one repository a template, to be cloned
"""

FORMATS = ("copier", "cookiecutter", "projects")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("dest", metavar="DIR", type=Path, help="the new folder")
    add("--format", required=True, choices=FORMATS, help="for whom")
    add(
        "--template", metavar="NAME", action="append", default=[], help="only this one (repeatable)"
    )
    add("--no-verify", action="store_true", help="projects: leave their evidence out")


def run(args: argparse.Namespace, console: Console) -> Report:
    """Write the export; a new folder, or nothing."""
    templates = _chosen(args.template)
    where = plan(args.dest)
    data = {"format": args.format, "path": str(where.destination), "templates": list(templates)}
    with staged(where) as folder:
        if args.format == "projects":
            from scaffold.ready import write_projects

            made = write_projects(folder, templates, console, verify=not args.no_verify)
            data["projects"] = [each.describe() for each in made]
        else:
            data["versions"] = write_repository(folder, templates, args.format)
    return Report("export", data=data, lines=[f"{args.dest} is ready ({', '.join(templates)})"])


def _chosen(names: list[str]) -> dict[str, Template]:
    found = {name: find(name) for name in names} or available()
    if not found:
        raise ScaffoldError("there is no template to export")
    return dict(sorted(found.items()))
