"""What the documentation's blocks print: each figure and listing, from where it is measured.

The pages hold blocks for cog: `make docs` fills them, and `make docs-check` fails where one differs
from what these functions print now.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from scaffold.cli import VERBS, load_verb
from scaffold.library import tree_of
from scaffold.template import available

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def generation() -> None:
    """Print the table of `benchmarks/generation.py`."""
    result = _result("generation")
    seconds = result["cpu_seconds"]
    new = seconds["scaffold new"]
    versions = result["versions"]
    rows = (
        ("`scaffold new`", "scaffold new"),
        ("`scaffold new`, repository and first commit included", "scaffold new, with git"),
        (f"Cookiecutter {versions['cookiecutter']}", "cookiecutter"),
        (f"Copier {versions['copier']}, every file rendered", "copier copy"),
    )
    print(f"\n| making the same {result['files']} files | CPU s | |\n| --- | ---: | ---: |")
    for label, key in rows:
        print(f"| {label} | {seconds[key]:.2f} | {seconds[key] / new:.1f}x |")
    print(
        f"\nMedians of {result['rounds']} alternating rounds of the installed wheel, Python"
        f" {result['python']}; `make bench` measures them again.\n"
    )


def templates() -> None:
    """Print the templates that `scaffold list` knows."""
    print("\n| template | what you get |\n| --- | --- |")
    for template in available().values():
        print(f"| `{template.name}` | {template.summary} |")
    print()


def highlights(name: str) -> None:
    """Print a template's highlights as a list."""
    template = available()[name]
    print(f"\nIts {len(tree_of(template))} files hold, among others:\n")
    for line in template.highlights:
        print(f"- {line}")
    print()


def verbs() -> None:
    """Print the verbs, each with what it does."""
    print("\n| verb | what it does |\n| --- | --- |")
    for name, entry in VERBS.items():
        print(f"| `scaffold {name}` | {entry.summary} |")
    print()


def options(verb: str) -> None:
    """Print a verb's arguments as a table."""
    parser = argparse.ArgumentParser(add_help=False)
    load_verb(verb).add_arguments(parser)
    print("\n| argument | meaning |\n| --- | --- |")
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to list them
        names = ", ".join(action.option_strings) or str(action.metavar)
        value = "" if action.nargs == 0 or not action.option_strings else f" {action.metavar}"
        print(f"| `{names}{value}` | {action.help} |")
    print()


def updates() -> None:
    """Print the scenarios of `benchmarks/updates.py`: what each tool kept and reported."""
    result = _result("updates")
    tools = ("scaffold", "copier", "cruft")
    titles = [
        "`scaffold update`",
        *(f"`{name} update` {result['versions'][name]}" for name in tools[1:]),
    ]
    print(f"\n| between version 0.1.0 and 0.2.0 | {' | '.join(titles)} |")
    print("| --- | --- | --- | --- |")
    for row in result["scenarios"]:
        cells = (_cell(row, row[name]) for name in tools)
        mark = "*" if row["needs_decision"] else ""
        print(f"| {row['scenario']}{mark} | {' | '.join(cells)} |")
    right = " | ".join(
        f"**{result['right'][name]} of {len(result['scenarios'])}**" for name in tools
    )
    print(f"| **nothing lost, nothing hidden** | {right} |")
    print(f"\nPython {result['python']}, git {result['git']}; `make bench` plays them again.\n")


def update_costs() -> None:
    """Print what an update costs beside the others'."""
    result = _result("updates")
    seconds = result["cpu_seconds"]
    print(f"\n| a project of {result['files']} files, half of them changed | CPU s | |")
    print("| --- | ---: | ---: |")
    rows = {"scaffold status": "scaffold status", "scaffold": "scaffold update"}
    for key, label in {**rows, "copier": "copier update", "cruft": "cruft update"}.items():
        ratio = seconds[key] / seconds["scaffold"]
        print(f"| `{label}` | {seconds[key]:.2f} | {ratio:.1f}x |")
    print(f"\nMedians of {result['rounds']} alternating rounds.\n")


def _cell(row: dict[str, Any], seen: dict[str, Any]) -> str:
    kept = "kept" if seen["kept"] else "**lost**"
    if seen["conflict"]:
        said = "conflict"
    elif seen["exit"]:
        said = "refused"
    elif row["needs_decision"]:
        said = "**silent**"
    elif row["has_news"]:
        said = "merged" if seen["arrived"] else "**not merged**"
    else:
        said = "nothing to do"
    return f"{kept}, {said}, {seen['exit']}"


def _result(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result
