"""``scaffold show``: what a template holds, and what it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.answers import QUESTIONS, complete
from scaffold.library import find, tree_of
from scaffold.report import Report

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from scaffold.console import Console

EXAMPLES = """\
examples:
  scaffold show streaming-pipeline
  scaffold show streaming-pipeline --files
  scaffold show streaming-pipeline --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("template", metavar="TEMPLATE", help="its name, as `scaffold list` has it")
    parser.add_argument("--files", action="store_true", help="list its files, too")


def run(args: argparse.Namespace, _console: Console) -> Report:
    """Return metadata, questions with defaults, and the files."""
    template = find(args.template)
    files = [*tree_of(template), "LICENSE"]
    files.sort()
    defaults = complete(template, {}).recorded()
    questions = [
        {
            "key": question.key,
            "help": question.help,
            "default": defaults[question.key],
            **({"choices": list(question.choices)} if question.choices else {}),
        }
        for question in QUESTIONS
    ]
    data = {
        "template": template.name,
        "version": template.version,
        "summary": template.summary,
        "highlights": list(template.highlights),
        "questions": questions,
        "files": files if args.files else len(files),
    }
    lines = [
        f"{template.name} {template.version}: {template.summary}",
        "",
        *(f"  - {highlight}" for highlight in template.highlights),
        "",
        f"{len(files)} files. Questions, with their defaults:",
        *(f"  {each['key']:13} {each['help']} [{each['default']}]" for each in questions),
        *(["", *file_tree(files)] if args.files else []),
    ]
    return Report("show", data=data, lines=lines)


def file_tree(paths: Iterable[str]) -> list[str]:
    """Return the lines of an indented tree, each folder once."""
    lines: list[str] = []
    shown: set[str] = set()
    for path in sorted(paths, key=lambda each: each.split("/")):
        *folders, name = path.split("/")
        for depth, folder in enumerate(folders):
            whole = "/".join(folders[: depth + 1])
            if whole not in shown:
                shown.add(whole)
                lines.append(f"{'  ' * depth}{folder}/")
        lines.append(f"{'  ' * len(folders)}{name}")
    return lines
