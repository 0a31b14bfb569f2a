"""``scaffold doctor``: look whether this machine has what is needed, and say what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.doctor import CHECKS, NETWORK_CHECKS, Machine, Result, examine
from scaffold.report import Report

if TYPE_CHECKING:
    import argparse

    from scaffold.console import Console

EXAMPLES = """\
examples:
  scaffold doctor                look at this machine; nothing goes out
  scaffold doctor --network      also ask the package registry
  scaffold doctor --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--network", action="store_true", help="also ask the package registry")


def run(args: argparse.Namespace, console: Console) -> Report:
    """Examine; exit code 1 when something required is missing."""
    checks = [*CHECKS, *(NETWORK_CHECKS if args.network else ())]
    results: list[Result] = []
    for result in examine(Machine(Path.cwd(), os.environ.get("PATH", os.defpath)), checks):
        results.append(result)
        console.progress(f"{len(results)} of {len(checks)} checks")
    console.clear_progress()
    missing = [result.id for result in results if result.required and not result.finding.ok]
    verdict = f"missing: {', '.join(missing)}" if missing else "this machine has what is needed"
    lines = [_line(result) for result in results]
    data = {"checks": [_entry(result) for result in results]}
    return Report("doctor", not missing, 1 if missing else 0, data, [*lines, "", verdict])


def _line(result: Result) -> str:
    finding = result.finding
    mark = "ok" if finding.ok else "FAIL" if result.required else "-"
    line = f"{mark:<5}{result.message:<48}{finding.found}"
    return line.rstrip() if finding.ok else f"{line.rstrip()}\n     {finding.advice}"


def _entry(result: Result) -> dict[str, Any]:
    return {
        "id": result.id,
        "message": result.message,
        "required": result.required,
        "ok": result.finding.ok,
        "found": result.finding.found,
        "advice": "" if result.finding.ok else result.finding.advice,
    }
