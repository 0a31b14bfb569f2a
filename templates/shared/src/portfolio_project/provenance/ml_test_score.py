"""The ML Test Score of a project, computed from the table that names its tests.

The rubric and its 28 tests: Breck, Cai, Nielsen, Salib, Sculley, The ML Test Score (IEEE Big Data,
2017). A test counts 1 when it runs by itself, 0.5 when it is done by hand and written down. The
score is the smallest of the four sections' sums, so one neglected section cannot hide.
"""

import re
from dataclasses import dataclass

from .errors import DocumentError
from .markdown import table

SECTIONS = ("Data", "Model", "Infrastructure", "Monitoring")
TESTS_PER_SECTION = 7
AUTOMATED, BY_HAND, ABSENT = 1.0, 0.5, 0.0
_ROW = re.compile(r"^\| *(\w+) (\d) *\| *(.+?) *\| *(.+?) *\|$", re.MULTILINE)
_NODE = re.compile(r"`(tests/[^`\s]+\.py::[^`\s]+)`")


@dataclass(frozen=True, slots=True)
class Row:
    """One of the 28 tests.

    Attributes:
        section: one of `SECTIONS`.
        number: 1 to 7.
        wording: what is tested.
        nodes: the pytest nodes that test it; none when it is not automated.
        points: 1, 0.5 or 0.
    """

    section: str
    number: int
    wording: str
    nodes: tuple[str, ...]
    points: float


def read_rows(text: str) -> tuple[Row, ...]:
    """Read the 28 rows `| Data 1 | wording | answer |` of a document.

    An answer holds pytest nodes as inline code, or begins with `by hand:` or `not automated:`
    and says how, or why not.

    Raises:
        DocumentError: a row is missing, doubled, or answers in no known way.
    """
    rows = [_read_row(*match.groups()) for match in _ROW.finditer(text) if match[1] in SECTIONS]
    found = [(row.section, row.number) for row in rows]
    expected = [(name, n) for name in SECTIONS for n in range(1, TESTS_PER_SECTION + 1)]
    if found != expected:
        odd = sorted(set(expected) ^ set(found)) or found
        raise DocumentError(f"the table needs each of its 28 rows once, in order; see {odd[0]}")
    return tuple(rows)


def _read_row(section: str, number: str, wording: str, answer: str) -> Row:
    nodes = tuple(_NODE.findall(answer))
    if nodes:
        points = AUTOMATED
    elif re.match(r"by hand: \S", answer):
        points = BY_HAND
    elif re.match(r"not automated: \S", answer):
        points = ABSENT
    else:
        raise DocumentError(
            f"{section} {number} names no test; begin with 'by hand:' or 'not automated:'"
        )
    return Row(section, int(number), wording, nodes, points)


def section_sums(rows: tuple[Row, ...]) -> dict[str, float]:
    """Return section -> points, 0 to 7."""
    return {name: sum(row.points for row in rows if row.section == name) for name in SECTIONS}


def score(rows: tuple[Row, ...]) -> float:
    """Return the ML Test Score, 0 to 7: the smallest section sum."""
    return min(section_sums(rows).values())


def summary(rows: tuple[Row, ...]) -> str:
    """Return the sums and the score as Markdown."""
    sums = section_sums(rows)
    counted = [
        [name, f"{sum(row.section == name and row.points == AUTOMATED for row in rows)}", f"{n:g}"]
        for name, n in sums.items()
    ]
    automated = sum(row.points == AUTOMATED for row in rows)
    head = f"**ML Test Score: {score(rows):g}** of 7; {automated} of {len(rows)} tests automated."
    return f"{head}\n\n{table(['section', 'automated', 'points'], counted)}"
