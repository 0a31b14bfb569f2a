"""What `scaffold update` keeps and reports beside Copier and cruft, and what it costs.

`python -m benchmarks.updates` plays each scenario with the three tools, each with its own form of
the same template, measures the CPU seconds of an update of a 100-file project, and writes
benchmarks/results/updates.json. It needs the dependency group `bench`.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.cpu import Contender, compare
from benchmarks.scenarios import (
    BASE,
    EXECUTABLE,
    MINE,
    SCENARIOS,
    THEIRS,
    Scenario,
    line,
    numbered,
)
from benchmarks.updaters import TOOLS, Tool, clone_of, environment

RESULTS = Path(__file__).parent / "results" / "updates.json"
ROUNDS = 5
FILES = 100
_REFUSED = 2


def play(tool: Tool, scenario: Scenario) -> dict[str, Any]:
    """Let a tool go through a scenario and look at what is left."""
    scenario.user(tool.project)
    if not scenario.loose:
        tool.commit(tool.project, "mine")
    scenario.template(tool.content)
    tool.publish()
    done = tool.run(*tool.update, cwd=tool.project)
    return judged(tool, scenario, done)


def judged(
    tool: Tool, scenario: Scenario, done: subprocess.CompletedProcess[str]
) -> dict[str, Any]:
    """Say whether the user's edits are there, the template's are, and conflicts stand out.

    An edit counts as kept where it's found in the work tree (a ``.rej`` file will do) or in a
    stage of the index; a conflict as reported by a stage, a marker, a ``.rej`` file or an exit
    code.
    """
    texts = present(tool.project)
    staged = stages(tool)
    everything = [*texts.values(), *staged]
    durable = bool(
        staged
        or any(b"<<<<<<< " in data for data in texts.values())
        or any(path.suffix in {".rej", ".orig"} for path in texts)
    )
    kept = not scenario.marked or any(MINE in data for data in everything)
    try:
        # A file that stands in conflict isn't in its final form; its text is what counts.
        kept = kept and ((durable and scenario.marked) or scenario.kept(tool.project))
    except OSError:
        kept = False
    return {
        "kept": kept,
        "arrived": any(THEIRS in data for data in everything),
        "reported": durable or done.returncode != 0,
        "conflict": durable,
        "exit": done.returncode,
    }


def is_right(scenario: Scenario, seen: dict[str, Any]) -> bool:
    """Say whether nothing was lost, conflicts were reported, and the rest was merged in silence."""
    if scenario.conflict:
        return bool(seen["kept"] and seen["reported"])
    done = seen["arrived"] or not scenario.arrives
    return bool(seen["kept"] and done and not seen["reported"])


def present(project: Path) -> dict[Path, bytes]:
    """Return the files of the work tree."""
    found = (path for path in project.rglob("*") if ".git" not in path.parts)
    return {path: path.read_bytes() for path in found if path.is_file() and not path.is_symlink()}


def stages(tool: Tool) -> list[bytes]:
    """Return the contents of the index's conflicted entries."""
    listed = tool.run("git", "ls-files", "-u", "-s", cwd=tool.project).stdout.splitlines()
    oids = [entry.split(" ")[1] for entry in listed]
    command = ["git", "cat-file", "--batch"]
    blobs = subprocess.run(
        command,
        cwd=tool.project,
        env=tool.environment,
        input="".join(f"{oid}\n" for oid in oids).encode(),
        capture_output=True,
        check=True,
    )
    return [blobs.stdout] if oids else []


def started(name: str, scratch: Path, files: dict[str, bytes]) -> Tool:
    """Return a tool with a committed project of version 0.1.0."""
    tool = TOOLS[name](name, scratch / name, environment(scratch / f"home-{name}"))
    for path, data in files.items():
        target = tool.content / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        if path in EXECUTABLE:
            target.chmod(0o755)
    tool.start()
    return tool


def play_all(scratch: Path) -> list[dict[str, Any]]:
    """Play each scenario with each tool."""
    first: dict[str, Tool] = {}
    for name in TOOLS:
        tool = started(name, scratch, BASE)
        saved = scratch / f"{name}.saved"
        tool.root.rename(saved)
        first[name] = type(tool)(name, saved, tool.environment)
    rows: list[dict[str, Any]] = []
    for scenario in SCENARIOS:
        row: dict[str, Any] = {
            "scenario": scenario.name,
            "needs_decision": scenario.conflict,
            "has_news": scenario.arrives,
        }
        for name, tool in first.items():
            seen = play(clone_of(tool, scratch / name), scenario)
            row[name] = seen | {"right": is_right(scenario, seen)}
        print(row, flush=True)
        rows.append(row)
    return rows


def measure_cpu(scratch: Path) -> dict[str, float]:
    """Return median CPU seconds of updating a project of FILES files, half of which change."""
    files = {f"part{n // 10}/file{n}.py": numbered(f"file {n}", 60) for n in range(FILES)}
    contenders: list[Contender] = []
    for name in TOOLS:
        tool = started(name, scratch, files)
        for path in list(files)[::2]:
            line(path, 5, THEIRS)(tool.content)
        tool.publish()
        saved = scratch / f"{name}.saved"
        shutil.copytree(tool.project, saved, symlinks=True)

        def restore(tool: Tool = tool, saved: Path = saved) -> None:
            shutil.rmtree(tool.project)
            shutil.copytree(saved, tool.project, symlinks=True)

        inside = ["env", "-C", str(tool.project)]
        contenders.append(Contender(name, [*inside, *tool.update], restore))
        if name == "scaffold":
            status = [*tool.update[:-1], "status"]
            asked = ["sh", "-c", 'cd "$0" && "$@"; test $? -le 1', str(tool.project), *status]
            contenders.append(Contender("scaffold status", asked, restore))
    return compare(contenders, scratch, environment(scratch / "home"), ROUNDS)


def measure() -> dict[str, Any]:
    """Play and measure everything."""
    with tempfile.TemporaryDirectory(prefix="scaffold-bench-") as folder:
        scratch = Path(folder).resolve()
        seconds = measure_cpu(scratch / "cpu")
        rows = play_all(scratch / "play")
    git = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout
    return {
        "python": platform.python_version(),
        "git": git.split()[2],
        "versions": {name: version(name) for name in ("copier", "cruft")},
        "rounds": ROUNDS,
        "files": FILES,
        "cpu_seconds": {name: round(value, 3) for name, value in seconds.items()},
        "ratios": {
            "update / copier update": round(seconds["scaffold"] / seconds["copier"], 2),
            "update / cruft update": round(seconds["scaffold"] / seconds["cruft"], 2),
        },
        "right": {name: sum(row[name]["right"] for row in rows) for name in TOOLS},
        "scenarios": rows,
    }


def main() -> int:
    """Measure and keep the result; exit 1 when scaffold lost or hid anything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.updates", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.parse_args()
    result = measure()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({key: result[key] for key in ("right", "cpu_seconds", "ratios")}, indent=2))
    return int(result["right"]["scaffold"] < len(result["scenarios"]))


if __name__ == "__main__":
    raise SystemExit(main())
