"""``scaffold status``: which template made a project, what is new there, and what you changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import pending
from scaffold.checkout import Checkout, open_checkout
from scaffold.drift import FileDrift, drift, files_on_disk, present_files
from scaffold.errors import ScaffoldError
from scaffold.history import order, present, same, tree_of_origin
from scaffold.home import find_template, our_bundle
from scaffold.objects import quarantine
from scaffold.record import Record, read_record, with_source
from scaffold.render import render
from scaffold.report import Report

if TYPE_CHECKING:
    import argparse

    from scaffold.console import Console
    from scaffold.record import Origin
    from scaffold.tree import Tree

EXAMPLES = """\
examples:
  scaffold status                      the project here
  scaffold status my-pipeline --json   for machines; exit code 1 when the template has news
"""

_WIDTH = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("path", metavar="PATH", nargs="?", default=".", type=Path, help="the project (default: .)")
    add("--from", metavar="PATH", dest="home", type=Path, help="the folder its template is in")


def run(args: argparse.Namespace, console: Console) -> Report:
    """Report on a project; exit code 1 when it is behind, or when an update was cut short."""
    record = read_record(args.path)
    checkout = _checkout(args.path)
    if checkout and (left := pending.interrupted(checkout)):
        said = f"an earlier {left.verb} was cut short"
        return Report(
            "status",
            ok=False,
            exit_code=1,
            data={"path": str(args.path), "interrupted": left.verb},
            lines=[f"{said}: `scaffold {left.verb} --abort` puts everything back"],
        )
    newest, newest_tree = present(find_template(record.origin.template, args.home))
    behind = _is_behind(record.origin, newest)
    report = Report("status", ok=not behind, exit_code=int(behind))
    report.data = _versions(args.path, record, newest, behind=behind)
    report.lines = [_headline(record.origin, newest, behind=behind)]
    try:
        base = tree_of_origin(record.origin, (newest, newest_tree), our_bundle(args.home))
    except ScaffoldError as error:
        report.data |= {"files": None, "reason": str(error)}
        console.warn(str(error))
        return report
    files = _drift(args.path, checkout, record, base, newest_tree)
    report.data |= {
        "counts": dict(Counter(each.kind for each in files)),
        "files": [{**asdict(each), "kind": each.kind} for each in files],
    }
    report.lines += _listing(files)
    if checkout and (unmerged := pending.unmerged(checkout)):
        report.ok, report.exit_code, report.data["unmerged"] = False, 1, unmerged
        report.lines.append(f"conflicts to be settled: {', '.join(unmerged)}")
    if behind:
        report.lines.append("`scaffold update --dry-run` shows what an update would do")
    return report


def _checkout(project: Path) -> Checkout | None:
    try:
        return open_checkout(project)
    except ScaffoldError:
        return None


def _is_behind(origin: Origin, newest: Origin) -> bool:
    return not same(origin, newest) and order(origin.version) <= order(newest.version)


def _versions(path: Path, record: Record, newest: Origin, *, behind: bool) -> dict[str, Any]:
    return {
        "path": str(path),
        "template": record.origin.template,
        "version": record.origin.version,
        "installed": newest.version,
        "behind": behind,
        "interrupted": None,
        "answers": record.answers.recorded(),
    }


def _headline(origin: Origin, newest: Origin, *, behind: bool) -> str:
    if same(origin, newest):
        return f"{origin}: up to date"
    if not behind:
        return f"{origin}: newer than this program, which has {newest.version}"
    if origin.version == newest.version:
        return f"{origin}: behind another state of the same version"
    return f"{origin}: behind {newest.version}"


def _drift(
    path: Path, checkout: Checkout | None, record: Record, base: Tree, newest: Tree
) -> list[FileDrift]:
    source = record.origin.source
    before = with_source(render(base, record.answers), source)
    after = with_source(render(newest, record.answers), source)
    if checkout is None:
        with quarantine() as git:
            return drift(git, files_on_disk(path, before, after), before, after)
    with quarantine([checkout.objects], checkout.object_format) as git:
        return drift(git, present_files(checkout), before, after)


def _listing(files: list[FileDrift]) -> list[str]:
    untouched = sum(each.kind == "untouched" for each in files)
    others = [each for each in files if each.kind != "untouched"]
    return [
        f"  {untouched} files untouched",
        *(f"  {each.kind:<{_WIDTH}}{each.path}{_detail(each)}" for each in others),
    ]


def _detail(each: FileDrift) -> str:
    parts: list[str] = []
    if each.to:
        parts.append(f"you renamed it to {each.to}{' and edited it' if each.edited else ''}")
    elif each.kind == "both":
        parts.append(f"{each.yours} by you")
    if each.template_to:
        parts.append(f"renamed to {each.template_to} in the template")
    elif each.template != "same":
        parts.append(f"{each.template} in the template")
    return f" ({', '.join(parts)})" if parts else ""
