"""``scaffold new``: resolve the template, ask, create the project, say what is next."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import given
from scaffold.answers import Answers, complete, name_from
from scaffold.create import Created, create
from scaffold.errors import ScaffoldError
from scaffold.home import home_at
from scaffold.library import find, tree_of
from scaffold.place import plan
from scaffold.render import render
from scaffold.report import Report
from scaffold.template import available

if TYPE_CHECKING:
    from collections.abc import Callable

    from scaffold.console import Console
    from scaffold.home import Home
    from scaffold.place import Plan
    from scaffold.template import Template
    from scaffold.tree import Tree

EXAMPLES = """\
examples:
  scaffold new streaming-pipeline my-pipeline
  scaffold new streaming-pipeline my-pipeline --defaults --data title="Card Watch"
  scaffold new streaming-pipeline --answers answers.toml --json
  scaffold new streaming-pipeline my-pipeline --dry-run
  scaffold new gh:owner/copier-template my-project
  scaffold new --from ../our-templates churn my-churn
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "template",
        metavar="TEMPLATE",
        nargs="?",
        default="",
        help="a name from `scaffold list`, a path or a git URL",
    )
    add("dest", metavar="DEST", nargs="?", help="the new folder (default: the project's name)")
    add("--defaults", action="store_true", help="ask nothing: what isn't given takes its default")
    add("--data", metavar="KEY=VALUE", action="append", default=[], help="answer a question")
    add("--answers", metavar="FILE", type=Path, help="answers from YAML, JSON or TOML")
    add("--dry-run", action="store_true", help="list the files and write nothing")
    add("--no-git", action="store_true", help="make no repository and no first commit")
    add("--no-lock", action="store_true", help="leave uv.lock to be completed later")
    add("--install", action="store_true", help="make the environment, too")
    add("--verify", action="store_true", help="make the environment and prove the project")
    add("--from", metavar="PATH", dest="home", type=Path, help="a folder of other templates")
    add("--ref", default="", help="branch, tag or commit of a third-party template")
    add("--trust", action="store_true", help="let a third-party template run its code")


def run(args: argparse.Namespace, console: Console) -> Report:
    """Make a project."""
    if args.home:
        return _run_from(home_at(args.home), args, console)
    if not args.template:
        raise ScaffoldError("a template is missing", "`scaffold list` shows what there is.")
    if args.template not in available() and _is_foreign(args.template):
        return _run_foreign(args, console)
    return _run_native(find(args.template), args, console)


def _run_native(
    template: Template,
    args: argparse.Namespace,
    console: Console,
    rendered: Callable[[Answers], Tree] | None = None,
) -> Report:
    answers = _answers(template, args, console)
    destination = Path(args.dest or answers.project_name)
    where = plan(destination)
    report = Report("new", data=_described(template, answers, where, dry_run=args.dry_run))
    tree = rendered(answers) if rendered else render(tree_of(template), answers)
    if args.dry_run:
        return _dry(report, tree)
    switches = {"lock": not args.no_lock, "git": not args.no_git}
    created = create(template, answers, where, console, **switches, tree=tree)
    _record(report, created, destination)
    if args.install or args.verify:
        _install(report, created.path, console)
    if args.verify and report.ok:
        _verify(report, created.path, console)
    return report


def _run_from(home: Home, args: argparse.Namespace, console: Console) -> Report:
    """Make a project of a living template elsewhere, or of what ``scaffold export`` wrote."""
    words = [word for word in (args.template, args.dest) if word]
    name, args.dest = home.choose(words)
    if home.kind == "living":
        return _run_native(home.find(name), args, console)
    if home.kind == "projects":
        from scaffold.rebirth import Forebear

        forebear = Forebear.at(home.templates[name])
        return _run_native(forebear.template, args, console, forebear.reborn)
    if home.kind == "copier":
        args.template = str(args.home)
        args.data = [f"template={name}", *args.data]
    else:
        args.template = str(home.templates[name])
    return _run_foreign(args, console)


def _answers(template: Template, args: argparse.Namespace, console: Console) -> Answers:
    answered = given.by_arguments(args.answers, args.data)
    defaults = given.from_git()
    if args.dest:
        plan(Path(args.dest))  # before anything is asked in vain
        defaults["project_name"] = _name_of(Path(args.dest), answered)
    if console.interactive and not args.defaults:
        from scaffold.ask import ask

        return ask(template, answered, defaults, console)
    return complete(template, answered, defaults)


def _name_of(destination: Path, answered: dict[str, str]) -> str:
    folder = destination.resolve().name
    name = name_from(folder)
    if not name and "project_name" not in answered:
        hint = "Give one with --data project_name=NAME."
        raise ScaffoldError(f"no project name can be made of the folder's name '{folder}'", hint)
    return name


def _described(
    template: Template, answers: Answers, where: Plan, *, dry_run: bool
) -> dict[str, Any]:
    return {
        "template": template.name,
        "version": template.version,
        "path": str(where.destination),
        "dry_run": dry_run,
        "answers": answers.recorded(),
    }


def _dry(report: Report, tree: Tree) -> Report:
    report.data["files"] = list(tree)
    report.lines = [*tree, "", f"{len(tree)} files would be written to {report.data['path']}"]
    return report


def _record(report: Report, created: Created, destination: Path) -> None:
    step_in = [] if created.path == Path.cwd() else [f"cd {shlex.quote(str(destination))}"]
    following = [*step_in, "make demo"]
    report.data |= {
        "files": created.files,
        "lock": asdict(created.lock) if created.lock else None,
        "git": asdict(created.git) if created.git else None,
        "next": following,
    }
    report.lines = [
        f"{created.path.name} is ready. Next:",
        *(f"  {command}" for command in following),
    ]


def _install(report: Report, project: Path, console: Console) -> None:
    from scaffold.environment import install

    problem = install(project, console)
    report.data["environment"] = {"ok": not problem, "detail": problem}
    if problem:
        report.ok, report.exit_code = False, 1
        console.error(f"the project is there, but its environment isn't: {problem}")


def _verify(report: Report, project: Path, console: Console) -> None:
    from scaffold.verbs import verify

    parser = argparse.ArgumentParser()
    verify.add_arguments(parser)
    proof = verify.run(parser.parse_args([str(project)]), console)
    report.data["verify"] = proof.data
    report.lines += ["", *proof.lines]
    report.ok, report.exit_code = proof.ok, proof.exit_code


def _is_foreign(source: str) -> bool:
    from scaffold.foreign.fetch import is_foreign

    return is_foreign(source)


def _run_foreign(args: argparse.Namespace, console: Console) -> Report:
    from scaffold.foreign.create import Request
    from scaffold.foreign.create import create as create_foreign

    answers = {
        **(given.from_file(args.answers) if args.answers else {}),
        **given.from_data(args.data),
    }
    request = Request(
        source=args.template,
        dest=Path(args.dest) if args.dest else None,
        answers=answers,
        ref=args.ref,
        ask=console.interactive and not args.defaults,
        trust=args.trust,
        git=not args.no_git,
        dry_run=args.dry_run,
    )
    made = create_foreign(request)
    data = {**asdict(made), "template": args.template, "path": str(made.path)}
    data["dry_run"] = args.dry_run
    if args.dry_run:
        count = f"{len(made.files)} files would be written to {made.path}"
        return Report("new", data=data, lines=[*made.files, "", count])
    data["files"] = len(made.files)
    console.done(f"{len(made.files)} files from {args.template}, a {made.engine} template")
    if made.git and made.git.note:
        console.warn(made.git.note)
    return Report("new", data=data, lines=[f"{args.dest or made.path.name} is ready."])
