"""The ML Test Score names tests that exist, and its sum is computed from them."""

import ast
from pathlib import Path

import pytest

from portfolio_project.provenance import DocumentError
from portfolio_project.provenance.ml_test_score import (
    SECTIONS,
    read_rows,
    score,
    section_sums,
    summary,
)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "ml-test-score.md"


NODE = "`tests/unit/test_a.py::test_b`"


def page(**answers):
    """Return a table whose answers are all `NODE`, but for those given as Model_3="..."."""
    return "\n".join(
        f"| {section} {number} | wording | {answers.get(f'{section}_{number}', NODE)} |"
        for section in SECTIONS
        for number in range(1, 8)
    )


def is_defined(node):
    """Whether the file of a test defines it. Read, not imported: that would load every library."""
    path, *names = node.partition("[")[0].split("::")
    within = ast.parse((ROOT / path).read_text("utf-8")).body if (ROOT / path).exists() else []
    for name in names:
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        found = [one for one in within if isinstance(one, kinds) and one.name == name]
        if not found:
            return False
        within = found[0].body
    return names[-1].startswith("test_")


def test_every_test_that_the_page_names_is_there():
    nodes = sorted({node for row in read_rows(PAGE.read_text("utf-8")) for node in row.nodes})
    assert nodes
    assert [node for node in nodes if not is_defined(node)] == []


@pytest.mark.parametrize("node", ["tests/none.py::test_a", "tests/unit/test_gate.py::test_none"])
def test_a_test_that_is_not_there_is_noticed(node):
    assert not is_defined(node)


def test_the_page_shows_the_score_that_its_table_gives():
    text = PAGE.read_text("utf-8")
    assert summary(read_rows(text)) in text


def test_the_weakest_section_is_the_score():
    absent = {f"Model_{number}": "not automated: no time" for number in range(3, 8)}
    rows = read_rows(page(**absent))
    assert section_sums(rows) == {
        "Data": 7,
        "Model": 2,
        "Infrastructure": 7,
        "Monitoring": 7,
    }
    assert score(rows) == 2


def test_by_hand_counts_half():
    by_hand = {f"{section}_1": "by hand: see the runbook" for section in SECTIONS}
    rows = read_rows(page(**by_hand, Data_2=f"{NODE}, `tests/unit/test_a.py::test_c[x]`"))
    assert score(rows) == 6.5
    assert len(rows[1].nodes) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (page().replace("| Model 3 | wording", "| Model 4 | wording"), "Model"),
        (page() + "\n" + page().splitlines()[0], "28 rows once"),
        (page(Data_1="surely tested"), "Data 1 names no test"),
        (page(Data_1="not automated: "), "Data 1 names no test"),
        ("", "28 rows"),
    ],
    ids=["missing", "doubled", "vague", "no reason", "empty"],
)
def test_a_table_that_cheats_is_refused(text, message):
    with pytest.raises(DocumentError, match=message):
        read_rows(text)
