"""The command line: a table of verbs, and what every verb has in common."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from scaffold import __version__
from scaffold.console import Console
from scaffold.errors import ScaffoldError, Terminated
from scaffold.nearest import nearest
from scaffold.report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


class Verb(Protocol):
    """What a module in ``scaffold/verbs`` offers."""

    EXAMPLES: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's own arguments."""

    def run(self, args: argparse.Namespace, console: Console) -> Report:
        """Do it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table: where a verb lives, and its line in ``scaffold --help``."""

    module: str
    summary: str


VERBS = {
    "new": Entry("scaffold.verbs.new", "make a project from a template"),
    "list": Entry("scaffold.verbs.list", "list the templates"),
    "show": Entry("scaffold.verbs.show", "say what a template holds and asks"),
    "verify": Entry("scaffold.verbs.verify", "prove a project in a clean clone, step by step"),
    "status": Entry("scaffold.verbs.status", "say what the template and you have changed since"),
    "update": Entry("scaffold.verbs.update", "merge what changed in the template into a project"),
    "reconfigure": Entry(
        "scaffold.verbs.reconfigure", "rename a project, or change its author or licence"
    ),
    "export": Entry(
        "scaffold.verbs.export", "write the templates for Copier, Cookiecutter or cloning"
    ),
    "check-template": Entry(
        "scaffold.verbs.check_template", "tell a template's author what is wrong with it"
    ),
    "doctor": Entry("scaffold.verbs.doctor", "look whether this machine has what is needed"),
    "completion": Entry("scaffold.verbs.completion", "print a completion script for a shell"),
}

EXAMPLES = """\
examples:
  scaffold list                                  see what there is
  scaffold new streaming-pipeline my-pipeline    make a project
  scaffold new streaming-pipeline --dry-run      see its files first
  scaffold verify my-pipeline                    prove that it works here
  scaffold VERB --help                           more about a verb
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return the process's exit code; no traceback leaves here."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _raise_on_signals()
    console = Console(json="--json" in arguments)
    try:
        return _run(arguments, console)
    except ScaffoldError as error:
        return _fail(console, _verb_of(arguments), str(error), error.exit_code)
    except KeyboardInterrupt as stop:
        said = "interrupted; nothing half-made was left behind."
        return _fail(console, _verb_of(arguments), said, 128 + _signum(stop))
    except BrokenPipeError:
        # Whoever read our output (`| head`) has gone; keep the interpreter's own flush quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("SCAFFOLD_DEBUG"):
            raise
        from scaffold.crash import save_crash

        return _fail(console, _verb_of(arguments), save_crash(error, arguments), 1)


def build_parser(*, load: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the whole parser, with the arguments of the verbs in ``load`` (those are imported)."""
    parser = Parser(
        prog="scaffold",
        description="Make machine-learning portfolio projects that really run.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"scaffold {__version__}")
    _add_common(parser)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs", parser_class=Parser)
    for name, entry in VERBS.items():
        verb_parser = verbs.add_parser(name, help=entry.summary, description=_about(name))
        if name in load:
            _fill(verb_parser, name)
    return parser


def build_verb_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of one verb (only that one is imported)."""
    parser = Parser(prog=f"scaffold {name}", description=_about(name))
    _fill(parser, name)
    return parser


def load_verb(name: str) -> Verb:
    """Import a verb's module."""
    return cast("Verb", importlib.import_module(VERBS[name].module))


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are one line that says what to type instead."""

    def __init__(self, **options: object) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        options.setdefault("allow_abbrev", False)
        super().__init__(**options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        hint = self._nearest_option(message) or f"`{self.prog} --help` shows what fits."
        raise ScaffoldError(message, hint)

    def _nearest_option(self, message: str) -> str:
        prefix = "unrecognized arguments: "
        if not message.startswith(prefix):
            return ""
        given = message.removeprefix(prefix).split()[0].partition("=")[0]
        near = nearest(given, self._option_string_actions)
        return f"Did you mean `{near}`?" if near else ""


def _about(verb: str) -> str:
    return f"{VERBS[verb].summary}.".capitalize()


def _fill(parser: argparse.ArgumentParser, verb: str) -> None:
    module = load_verb(verb)
    parser.epilog = module.EXAMPLES
    _add_common(parser)
    module.add_arguments(parser)


def _run(arguments: list[str], console: Console) -> int:
    verb = _verb_of(arguments)
    if verb and verb not in VERBS:
        near = nearest(verb, VERBS)
        hint = f"Did you mean `scaffold {near}`?" if near else f"Verbs: {', '.join(VERBS)}."
        raise ScaffoldError(f"there is no verb `{verb}`", hint)
    if not arguments:
        build_parser().print_help(console.stderr)
        return 2
    if not verb or "--version" in arguments[: arguments.index(verb)]:
        build_parser().parse_args(arguments)
        raise ScaffoldError("a verb is missing", f"Verbs: {', '.join(VERBS)}.")
    rest = list(arguments)
    rest.remove(verb)
    # Intermixed, so that `new TEMPLATE --defaults DEST` is understood as well.
    args = build_verb_parser(verb).parse_intermixed_args(rest)
    args.whole_parser = lambda: build_parser(load=list(VERBS))  # for `completion`, below us
    report = load_verb(verb).run(args, console)
    _print(report, console)
    return report.exit_code


def _print(report: Report, console: Console) -> None:
    if console.json:
        import json

        console.out(json.dumps(report.document(), indent=2, ensure_ascii=False))
        return
    for line in report.lines:
        console.out(line)


def _fail(console: Console, verb: str, message: str, exit_code: int) -> int:
    console.clear_progress()
    if console.json:
        _print(Report(verb, ok=False, data={"error": message}), console)
    else:
        console.error(message)
    return exit_code


def _signum(stop: KeyboardInterrupt) -> int:
    return stop.signum if isinstance(stop, Terminated) else signal.SIGINT


def _verb_of(arguments: Sequence[str]) -> str:
    """Return the first argument that isn't an option: no option before the verb takes a value."""
    return next((word for word in arguments if not word.startswith("-")), "")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document on stdout",
    )


def _raise_on_signals() -> None:
    """Turn the first SIGINT, SIGTERM or SIGHUP into an exception and ignore the following ones.

    So clean-up runs exactly once and a second, impatient Ctrl-C can't cut it short.
    """
    watched = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        watched.append(signal.SIGHUP)

    def handle(signum: int, _frame: FrameType | None) -> NoReturn:
        for other in watched:
            signal.signal(other, signal.SIG_IGN)
        if signum == signal.SIGINT:
            raise KeyboardInterrupt
        raise Terminated(signum)

    for signum in watched:
        # A shell that runs us with `nohup` or `&` has asked for the signal to be ignored.
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, handle)


if __name__ == "__main__":
    sys.exit(main())
