"""``scaffold reconfigure``: give a project another name, author or licence, your files included."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import given, pending
from scaffold.answers import QUESTIONS, Answers, complete
from scaffold.checkout import open_checkout
from scaffold.history import present, tree_of_origin
from scaffold.home import find_template, our_bundle
from scaffold.record import read_record
from scaffold.reidentify import Identity, Move, leftovers, merge_base, refuse_one_way, reidentify
from scaffold.report import Report
from scaffold.transition import Switches, Transition, carry_out
from scaffold.upgrade import committed_content
from scaffold.verbs.update import abort

if TYPE_CHECKING:
    import argparse

    from scaffold.checkout import Checkout
    from scaffold.console import Console
    from scaffold.record import Record
    from scaffold.template import Template

EXAMPLES = """\
examples:
  scaffold reconfigure --data project_name=card-watch        rename project, package and title
  scaffold reconfigure --data author_name="Ada Lovelace" --data license=Apache-2.0
  scaffold reconfigure                                       ask each question again
  scaffold reconfigure --abort                               put everything back
"""

_SHOWN_LEFTOVERS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("path", metavar="PATH", nargs="?", default=".", type=Path, help="the project (default: .)")
    add("--data", metavar="KEY=VALUE", action="append", default=[], help="give another answer")
    add("--answers", metavar="FILE", type=Path, help="answers from YAML, JSON or TOML")
    add("--from", metavar="PATH", dest="home", type=Path, help="the folder its template is in")
    add("--dry-run", action="store_true", help="show each change with its diff; write nothing")
    add("--one-way", action="store_true", help="go on where there is no exact way back")
    add("--abort", action="store_true", help="undo the last run, whole or cut short")


def run(args: argparse.Namespace, console: Console) -> Report:
    """Reconfigure a project."""
    checkout = open_checkout(args.path)
    if args.abort:
        return abort(checkout, "reconfigure")
    pending.settle(checkout)
    record = read_record(checkout.project)
    template = find_template(record.origin.template, args.home)
    tree = tree_of_origin(record.origin, present(template), our_bundle(args.home))
    answers = _answers(template, record, args, console)
    changed = {
        key: {"from": old, "to": answers.recorded()[key]}
        for key, old in record.answers.recorded().items()
        if answers.recorded()[key] != old
    }
    about: dict[str, Any] = {
        "template": template.name,
        "version": record.origin.version,
        "answers": changed,
    }
    if not changed:
        about |= {"path": str(checkout.project), "dry_run": args.dry_run, "changes": []}
        return Report("reconfigure", data=about, lines=["every answer is as it was"])
    move = Move(Identity.of(tree, record.answers), Identity.of(tree, answers))
    transition = _transition(checkout, move, one_way=args.one_way)
    report = carry_out(checkout, transition, Switches(args.dry_run, lock=False), console)
    report.data = about | report.data
    report.lines[:0] = [f"{key}: {each['from']} -> {each['to']}" for key, each in changed.items()]
    return report


def _answers(
    template: Template, record: Record, args: argparse.Namespace, console: Console
) -> Answers:
    answered = given.by_arguments(args.answers, args.data)
    kept = _kept(template, record.answers)
    if not answered and console.interactive:
        from scaffold.ask import ask

        return ask(template, {}, kept, console)
    return complete(template, answered, kept)


def _kept(template: Template, old: Answers) -> dict[str, str]:
    """Return the old answers, but for those that follow from another one, which may change."""
    recorded = old.recorded()
    return {
        question.key: recorded[question.key]
        for question in QUESTIONS
        if recorded[question.key] != question.default(template, recorded)
    }


def _transition(checkout: Checkout, move: Move, *, one_way: bool) -> Transition:
    ours = committed_content(checkout)
    moved = reidentify(ours, move)
    if not one_way:
        refuse_one_way(ours, moved, move)
    left = leftovers(moved, move.renaming())
    notes: tuple[str, ...] = ()
    if left:
        more = f" and {len(left) - _SHOWN_LEFTOVERS} more" if len(left) > _SHOWN_LEFTOVERS else ""
        shown = ", ".join(left[:_SHOWN_LEFTOVERS]) + more
        notes = (f"the old name is an ordinary word, too, and was left in {shown}",)
    return Transition(
        "reconfigure",
        merge_base(move, ours),
        move.new.rendered,
        label="reconfigured",
        message="Reconfigure the project",
        ours=moved,
        notes=notes,
    )
