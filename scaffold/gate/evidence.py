"""Write down what was proved: a Markdown file for people, JUnit XML for CI servers.

Neither names this machine's folders or hosts.
"""

import hashlib
import os
import platform
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scaffold import __version__
from scaffold.gate.steps import StepResult
from scaffold.process import run

_INPUTS = ("pyproject.toml", "uv.lock", "requirements.lock")
_OUTPUTS = ("dist/*.whl", "dist/*.tar.gz", "var/registry/**/*")
_MOST_OUTPUTS = 20
_HOW = (
    "It made a clean clone of {what}, built the environment from the lock, with a home folder of "
    "its own, and ran each `make gate-STEP` of the project."
)
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKS = {"passed": "passed", "failed": "**failed**", "timeout": "**timed out**", "skipped": "-"}


@dataclass(frozen=True, slots=True)
class Verification:
    """All that is known after a gate has run.

    `hashes` maps a file's path in the project to its SHA-256 (hex); `seconds` is wall time.
    """

    project: str
    commit: str | None
    steps: tuple[StepResult, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def ok(self) -> bool:
        """Whether every step passed."""
        return all(step.ok for step in self.steps)

    @property
    def failed(self) -> list[StepResult]:
        """The steps that failed or ran out of time."""
        return [step for step in self.steps if step.status in {"failed", "timeout"}]


def versions(project: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return name -> version of what the gate ran with."""
    asked = {
        "Python": [".venv/bin/python", "--version"],
        "uv": ["uv", "--version"],
        "git": ["git", "--version"],
        "make": ["make", "--version"],
    }
    found = {"scaffold": __version__}
    for name, command in asked.items():
        try:
            answer = run(command, cwd=project, env=environment, timeout=20)
        except OSError:
            continue
        if version := re.search(r"\d+\.\d+(\.\d+)*", answer.stdout if answer.ok else ""):
            found[name] = version.group()
    found["system"] = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return found


def hashes(project: Path) -> dict[str, str]:
    """Return path -> SHA-256 of the project's locks and of what the gate built and trained."""
    inputs = [project / name for name in _INPUTS]
    outputs = [path for pattern in _OUTPUTS for path in sorted(project.glob(pattern))]
    files = [path for path in [*inputs, *outputs[:_MOST_OUTPUTS]] if path.is_file()]
    return {
        path.relative_to(project).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def to_markdown(result: Verification) -> str:
    """Return the evidence file."""
    verdict = "Every step passed." if result.ok else f"{len(result.failed)} of the steps failed."
    what = f"commit `{result.commit}`" if result.commit else "its files (nothing is committed)"
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    parts = [
        f"# Evidence: {_plain(result.project)}",
        f"{verdict} `scaffold verify` ran on {when} and took {result.seconds:.0f} s.",
        _HOW.format(what=what),
        *(f"Note: {_plain(note)}." for note in result.notes),
        "## Steps",
        _table(("step", "result", "seconds", "what it said"), map(_row, result.steps)),
        *(_failure(step) for step in result.failed),
        "## Versions",
        _table(("what", "version"), result.versions.items()),
        "## Hashes (SHA-256)",
        _table(("file", "hash"), ((f"`{k}`", f"`{v}`") for k, v in result.hashes.items())),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def to_junit(result: Verification) -> str:
    """Return JUnit XML: one test case a step."""
    suite = ET.Element(
        "testsuite",
        name="scaffold verify",
        tests=str(len(result.steps)),
        failures=str(sum(step.status == "failed" for step in result.steps)),
        errors=str(sum(step.status == "timeout" for step in result.steps)),
        skipped=str(sum(step.status == "skipped" for step in result.steps)),
        time=f"{result.seconds:.3f}",
    )
    for step in result.steps:
        case = ET.SubElement(
            suite, "testcase", classname=result.project, name=step.name, time=f"{step.seconds:.3f}"
        )
        if step.status != "passed":
            kind = {"failed": "failure", "timeout": "error", "skipped": "skipped"}[step.status]
            about = ET.SubElement(case, kind, message=_xml(step.summary))
            about.text = _xml("\n".join(step.excerpt)) or None
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _row(step: StepResult) -> tuple[str, ...]:
    seconds = "" if step.status == "skipped" else f"{step.seconds:.1f}"
    return (step.name, _MARKS[step.status], seconds, _plain(step.summary))


def _failure(step: StepResult) -> str:
    if not step.excerpt:
        return ""
    lines = "\n".join(f"    {line}" for line in step.excerpt)
    return f"### {step.name}\n\n{lines}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    ruled = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)


def _plain(text: str) -> str:
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", " ".join(text.split()))


def _xml(text: str) -> str:
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
