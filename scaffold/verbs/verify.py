"""Prove a project, or what a template makes, in a clean clone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.answers import complete
from scaffold.create import create
from scaffold.errors import ScaffoldError
from scaffold.gate import display, evidence, source
from scaffold.gate.run import STEP_SECONDS, Options, prepare, prove, scratch_folder
from scaffold.library import find
from scaffold.nearest import nearest
from scaffold.place import plan
from scaffold.report import Report
from scaffold.template import available

if TYPE_CHECKING:
    import argparse

    from scaffold.console import Console
    from scaffold.gate.evidence import Verification
    from scaffold.gate.run import Scratch
    from scaffold.gate.steps import StepResult

EXAMPLES = """\
examples:
  scaffold verify                                the project in this folder
  scaffold verify my-pipeline --evidence EVIDENCE.md
  scaffold verify streaming-pipeline             what the template makes
  scaffold verify --step lint --step types       only these steps
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "target",
        nargs="?",
        default=".",
        metavar="PATH|TEMPLATE",
        help="a project's folder (default: this one), or a template's name",
    )
    parser.add_argument("--step", action="append", default=[], help="run this step; repeatable")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=STEP_SECONDS,
        metavar="SECONDS",
        help=f"end a step that takes longer (default: {STEP_SECONDS:g})",
    )
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first failed step")
    parser.add_argument("--keep", action="store_true", help="keep the clone, to look into it")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    parser.add_argument("--evidence", type=Path, metavar="FILE", help="write a Markdown report")


def run(args: argparse.Namespace, console: Console) -> Report:
    """Verify; exit code 1 when a step fails."""
    options = Options(tuple(args.step), args.timeout, args.keep, args.fail_fast)
    outputs = {args.junit: evidence.to_junit, args.evidence: evidence.to_markdown}
    outputs.pop(None, None)
    _prepare_outputs(list(outputs))
    project = _project(args.target)
    with scratch_folder(keep=args.keep) as scratch:
        folder = project or _generate(args.target, scratch, console)
        prepared = prepare(folder, scratch, options)
        console.say(f"Verifying {prepared.snapshot.folder.name} in a clean clone")
        for note in prepared.snapshot.notes:
            console.warn(f"{note}.")
        with display.choose(console) as shown:
            result = prove(prepared, shown)
        _tell(result, console)
        for path, form in outputs.items():
            path.write_text(form(result), encoding="utf-8")
            console.say(f"Wrote {path}")
        kept = str(scratch.folder / result.project) if args.keep else None
        if kept:
            console.say(f"Kept {kept}")
        return _report(result, kept)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ScaffoldError(f"--timeout {text} is no number of seconds", "Try --timeout 900.")
    return value


def _prepare_outputs(paths: list[Path]) -> None:
    # Ten minutes of work must not end in a folder that was never there.
    for path in paths:
        if path.is_dir():
            raise ScaffoldError(f"{path} is a folder", "Name a file.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or "no"
            raise ScaffoldError(
                f"{path.parent} can't be made ({reason})", "Name another."
            ) from error


def _project(target: str) -> Path | None:
    """Return the folder to verify, or None when `target` names a template."""
    folder = Path(target)
    if not folder.exists():
        templates = available()
        if target in templates:
            return None
        near = nearest(target, templates)
        hint = (
            f"Did you mean the template `{near}`?" if near else "`scaffold list` shows templates."
        )
        raise ScaffoldError(f"there is neither a folder nor a template {target}", hint)
    source.require_project(folder)
    return folder


def _generate(template: str, scratch: Scratch, console: Console) -> Path:
    wanted = find(template)
    answers = complete(wanted, {})
    where = plan(scratch.folder / "generated" / answers.project_name)
    return create(wanted, answers, where, console).path


def _tell(result: Verification, console: Console) -> None:
    for step in result.failed:
        if not step.excerpt:
            continue
        console.say()
        console.say(console.style(f"{step.name}: what matters of its output", "bold"))
        for line in step.excerpt:
            console.say(f"  {line}")
    if result.failed:
        console.say()


def _report(result: Verification, kept: str | None) -> Report:
    passed = sum(step.ok for step in result.steps)
    verdict = "passed" if result.ok else f"failed at {', '.join(s.name for s in result.failed)}"
    line = f"{result.project}: {verdict} ({passed} of {len(result.steps)} steps, {result.seconds:.0f} s)"
    data: dict[str, Any] = {
        "project": result.project,
        "commit": result.commit,
        "seconds": round(result.seconds, 3),
        "notes": list(result.notes),
        "steps": [_step(step) for step in result.steps],
        "versions": dict(result.versions),
        "hashes": dict(result.hashes),
        "kept": kept,
    }
    return Report("verify", result.ok, 0 if result.ok else 1, data, [line])


def _step(step: StepResult) -> dict[str, Any]:
    return {
        "name": step.name,
        "status": step.status,
        "seconds": round(step.seconds, 3),
        "summary": step.summary,
        "excerpt": list(step.excerpt),
    }
