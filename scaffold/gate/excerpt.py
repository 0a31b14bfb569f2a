"""Pick the lines of a failed step's output that tell what went wrong."""

import re
from collections.abc import Sequence
from itertools import pairwise

MOST_LINES = 14
_WIDEST = 200

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_MAKE = re.compile(r"^make(\[\d+\])?: ")
_VERDICT = re.compile(r"^=+ .*\b(failed|errors?|no tests ran)\b.* =+$")
_TEST = re.compile(r"^(FAILED|ERROR) ")
_DIAGNOSIS = re.compile(
    r"""^(
        \s*\S+:\d+(:\d+)?:?\s(-\s)?(error|[A-Z]{1,5}\d+)\b    # ruff, mypy, pyright, deptry, hadolint
      | error:\s                                              # uv
      | \s+cause:\s                                           # uv
      | Would\sreformat:\s
      | Found\s\d+\serror
      | \d+\serrors?,\s
    )""",
    re.VERBOSE,
)
_PLACE = re.compile(r"^\s*-->\s(?P<place>\S+:\d+\S*)")  # ruff, zizmor: what it is stands above
_PLACED = re.compile(r"^\S+:\d+\S*: \S")
_GATE = re.compile(r"^gate-[\w-]+: (?!ok\b)")


def what_matters(output: str) -> list[str]:
    """Return at most `MOST_LINES` lines, the last ones where there are more of a kind.

    pytest's summary with the errors themselves, the diagnoses of linters and type checkers, the
    end of a traceback; the last lines where nothing of the kind is found.
    """
    lines = [_clean(line) for line in output.splitlines()]
    lines = [line for line in lines if line.strip() and not _MAKE.match(line)]
    if not lines:
        return _last([_clean(line) for line in output.splitlines() if line.strip()])
    found = _pytest(lines) or _diagnoses(lines) or _traceback(lines) or lines
    closing = [line for line in lines if _GATE.match(line) and line not in found]
    return _last([*found, *closing[-1:]])


def headline(excerpt: Sequence[str]) -> str:
    """Return the one line of an excerpt that says most: a first diagnosis, else the verdict."""
    if not excerpt:
        return ""
    first_says_it = _DIAGNOSIS.match(excerpt[0]) or _PLACED.match(excerpt[0])
    return excerpt[0 if first_says_it else -1].strip()


def closing_line(step: str, output: str) -> str:
    """Return what a step that went well says of itself (`gate-STEP: ok: this`), or nothing."""
    start = f"gate-{step}: ok"
    said = [line for line in map(_clean, output.splitlines()) if line.startswith(start)]
    return said[-1].removeprefix(start).strip(" :") if said else ""


def _pytest(lines: list[str]) -> list[str]:
    tests = [line for line in lines if _TEST.match(line)]
    verdict = [line.strip("= ") for line in lines if _VERDICT.match(line)]
    if not tests and not verdict:
        return []
    errors = [line for line in lines if re.match(r"^E\s{2,}\S", line)]
    room = MOST_LINES - 2
    return [*errors[: room // 2], *tests[: room - room // 2], *verdict[-1:]]


def _diagnoses(lines: list[str]) -> list[str]:
    found: list[str] = []
    for above, line in pairwise(["", *lines]):
        if place := _PLACE.match(line):
            found.append(f"{place['place']}: {above.strip()}")
        elif _DIAGNOSIS.match(line):
            found.append(line)
    if len(found) < MOST_LINES:
        return found
    return [*found[: MOST_LINES - 2], "...", found[-1]]


def _traceback(lines: list[str]) -> list[str]:
    starts = [n for n, line in enumerate(lines) if line.startswith("Traceback (most recent call")]
    if not starts:
        return []
    rest = lines[starts[-1] + 1 :]
    ends = [n for n, line in enumerate(rest) if not line.startswith(" ")]
    where = [line for line in rest[: ends[0]] if line.startswith("  File ")] if ends else []
    return [*where[-1:], *(rest[ends[0] : ends[0] + 6] if ends else rest[-4:])]


def _last(lines: list[str]) -> list[str]:
    return lines[-MOST_LINES:]


def _clean(line: str) -> str:
    plain = _ANSI.sub("", line.rsplit("\r", 1)[-1]).rstrip()
    return plain if len(plain) <= _WIDEST else plain[: _WIDEST - 3] + "..."
