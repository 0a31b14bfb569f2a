"""``scaffold list``: the templates, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.report import Report
from scaffold.template import available

if TYPE_CHECKING:
    import argparse

    from scaffold.console import Console

EXAMPLES = """\
examples:
  scaffold list
  scaffold list --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare no argument of its own."""


def run(_args: argparse.Namespace, console: Console) -> Report:
    """Return names, versions and summaries."""
    templates = available().values()
    width = max((len(template.name) for template in templates), default=0)
    if templates and console.live:
        console.say(console.style("scaffold show TEMPLATE says more of one", "dim"))
    keys = ("name", "version", "summary", "highlights")
    return Report(
        "list",
        data={
            "templates": [{key: getattr(each, key) for key in keys} for each in templates],
        },
        lines=[f"{template.name:{width}}  {template.summary}" for template in templates],
    )
