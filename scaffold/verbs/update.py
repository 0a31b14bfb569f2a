"""``scaffold update``: bring what changed in the template into a project, as a merge by git."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import pending
from scaffold.checkout import open_checkout
from scaffold.errors import ScaffoldError
from scaffold.history import order, present, same, tree_of_origin
from scaffold.home import find_template, our_bundle
from scaffold.record import read_record, with_source
from scaffold.render import render
from scaffold.report import Report
from scaffold.transition import Switches, Transition, carry_out

if TYPE_CHECKING:
    import argparse

    from scaffold.checkout import Checkout
    from scaffold.console import Console

EXAMPLES = """\
examples:
  scaffold update                    bring the template's news into the project here
  scaffold update --dry-run          see every change first; nothing is written
  scaffold update my-pipeline --json
  scaffold update --abort            put everything back, also after a crash
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("path", metavar="PATH", nargs="?", default=".", type=Path, help="the project (default: .)")
    add("--from", metavar="PATH", dest="home", type=Path, help="the folder its template is in")
    add("--dry-run", action="store_true", help="show each change with its diff; write nothing")
    add("--abort", action="store_true", help="undo the last update, whole or cut short")
    add("--no-lock", action="store_true", help="leave uv.lock to be locked later")
    add("--offline", action="store_true", help="lock from uv's cache only")


def run(args: argparse.Namespace, console: Console) -> Report:
    """Update a project."""
    checkout = open_checkout(args.path)
    if args.abort:
        return abort(checkout, "update")
    pending.settle(checkout)
    record = read_record(checkout.project)
    newest, theirs = present(find_template(record.origin.template, args.home))
    about = {
        "template": record.origin.template,
        "from": record.origin.version,
        "to": newest.version,
    }
    if same(record.origin, newest):
        current = {"up_to_date": True, "path": str(checkout.project), "dry_run": args.dry_run}
        return Report("update", data=about | current, lines=[f"{newest}: up to date"])
    if order(record.origin.version) > order(newest.version):
        message = f"the project was made by {record.origin}, this program has {newest.version}"
        raise ScaffoldError(message, "Update scaffold first.")
    base = tree_of_origin(record.origin, (newest, theirs), our_bundle(args.home))
    source = record.origin.source
    transition = Transition(
        "update",
        with_source(render(base, record.answers), source),
        with_source(render(theirs, record.answers), source),
        label=f"{newest.template}-{newest.version}",
        message=f"Update to {newest}",
    )
    switches = Switches(args.dry_run, lock=not args.no_lock, offline=args.offline)
    report = carry_out(checkout, transition, switches, console)
    report.data = about | {"up_to_date": False} | report.data
    report.lines.insert(0, f"{record.origin} -> {newest.version}")
    return report


def abort(checkout: Checkout, verb: str) -> Report:
    """Undo the last update or reconfigure."""
    undone = pending.abort(checkout)
    paths = [step.path for step in undone.steps]
    data = {"path": str(checkout.project), "aborted": undone.verb, "restored": paths}
    return Report(verb, data=data, lines=[f"{len(paths)} paths are as they were"])
