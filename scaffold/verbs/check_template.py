"""``scaffold check-template``: tell the author of a living template what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.report import Report
from scaffold.template_check import check_template

if TYPE_CHECKING:
    import argparse

    from scaffold.console import Console

EXAMPLES = """\
examples:
  scaffold check-template templates/churn          exit code 1 when there is a problem
  scaffold check-template templates/churn --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("path", metavar="PATH", type=Path, help="a folder with a template.toml")


def run(args: argparse.Namespace, _console: Console) -> Report:
    """Check a template; exit code 1 when something is wrong."""
    if not args.path.is_dir():
        raise ScaffoldError(f"there is no folder {args.path}", "Give a living template's folder.")
    found = check_template(args.path.resolve())
    lines = [str(problem) for problem in found]
    if found:
        lines.append(f"{len(found)} {'problem' if len(found) == 1 else 'problems'}")
    return Report(
        "check-template",
        ok=not found,
        exit_code=int(bool(found)),
        data={"path": str(args.path), "problems": [asdict(problem) for problem in found]},
        lines=lines or [f"{args.path.resolve().name} follows the rules"],
    )
