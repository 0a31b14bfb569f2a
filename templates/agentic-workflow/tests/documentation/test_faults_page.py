"""The page of faults names tests that exist, and leaves none of the desk's fault tests out."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
LAB = "tests/faults/test_desk_faults.py"


def functions_of(path):
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    names = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    return {f"{path}::{name}" for name in names if name.startswith("test_")}


def test_every_row_names_a_test_that_exists_and_no_fault_test_is_left_out():
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][2:]
    named = [set(re.findall(r"`(tests/[\w/.]+::\w+)`", row)) for row in rows]

    assert all(named), "a row without a test"
    everything = set().union(*named)
    for node in everything:
        assert node in functions_of(node.partition("::")[0]), node
    assert functions_of(LAB) <= everything
