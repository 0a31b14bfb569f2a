"""The lines that matter of what tools wrote when they failed."""

import pytest

from scaffold.gate.excerpt import MOST_LINES, closing_line, headline, what_matters

PYTEST = """\
============================= test session starts ==============================
collected 3 items

tests/test_a.py .F.                                                       [100%]

=================================== FAILURES ===================================
__________________________________ test_total __________________________________

    def test_total():
>       assert total([1, 2]) == 4
E       assert 3 == 4
E        +  where 3 = total([1, 2])

tests/test_a.py:5: AssertionError
=========================== short test summary info ============================
FAILED tests/test_a.py::test_total - assert 3 == 4
========================= 1 failed, 2 passed in 0.12s ==========================
make: *** [Makefile:9: gate-test] Error 1
"""
RUFF = """\
F401 [*] `os` imported but unused
 --> src/app/cli.py:1:8
  |
1 | import os
  |        ^^
help: Remove unused import: `os`

Found 1 error.
[*] 1 fixable with the `--fix` option.
make[1]: *** [Makefile:40: lint] Error 1
"""
MYPY = """\
src/app/a.py:3: error: Incompatible return value type (got "int", expected "str")  [return-value]
src/app/a.py:3: note: See the documentation
Found 1 error in 1 file (checked 4 source files)
"""
PYRIGHT = """\
/x/src/app/a.py
  /x/src/app/a.py:3:12 - error: Type "int" is not assignable to return type "str"
1 error, 0 warnings, 0 informations
"""
TRACEBACK = """\
starting
Traceback (most recent call last):
  File "src/app/train.py", line 9, in <module>
    main()
  File "src/app/train.py", line 5, in main
    raise ValueError("no rows")
ValueError: no rows
"""
UV = """\
error: No solution found when resolving dependencies
  cause: Because only a<=2 is available and your project depends on a>=3
"""


@pytest.mark.parametrize(
    ("output", "expected", "says"),
    [
        (
            PYTEST,
            [
                "E       assert 3 == 4",
                "E        +  where 3 = total([1, 2])",
                "FAILED tests/test_a.py::test_total - assert 3 == 4",
                "1 failed, 2 passed in 0.12s",
            ],
            "1 failed, 2 passed in 0.12s",
        ),
        (
            RUFF,
            ["src/app/cli.py:1:8: F401 [*] `os` imported but unused", "Found 1 error."],
            "src/app/cli.py:1:8: F401 [*] `os` imported but unused",
        ),
        (
            MYPY,
            [MYPY.splitlines()[0], MYPY.splitlines()[2]],
            MYPY.splitlines()[0],
        ),
        (PYRIGHT, PYRIGHT.splitlines()[1:], PYRIGHT.splitlines()[1].strip()),
        (
            TRACEBACK,
            ['  File "src/app/train.py", line 5, in main', "ValueError: no rows"],
            "ValueError: no rows",
        ),
        (UV, UV.splitlines(), UV.splitlines()[0]),
    ],
    ids=["pytest", "ruff", "mypy", "pyright", "traceback", "uv"],
)
def test_each_tool_is_understood(output, expected, says):
    found = what_matters(output)
    assert found == expected
    assert headline(found) == says


def test_a_step_s_own_last_word_is_kept():
    output = RUFF + "gate-lint: run make format\n"
    assert what_matters(output)[-1] == "gate-lint: run make format"


def test_output_of_no_known_kind_ends_as_it_ends():
    output = "\n".join(f"line {n}" for n in range(100)) + "\nmake: *** [x] Error 1\n"
    assert what_matters(output) == [f"line {n}" for n in range(100 - MOST_LINES, 100)]


def test_make_itself_speaks_when_nobody_else_does():
    output = "make: *** No rule to make target 'gate-lint'.  Stop.\n"
    assert what_matters(output) == [output.strip()]


def test_colours_progress_and_endless_lines_are_cut():
    output = "10%\r50%\r\x1b[31mbroken\x1b[0m\n" + "x" * 5000 + "\n"
    found = what_matters(output)
    assert "broken" in found
    assert max(map(len, found)) == 200


def test_many_failures_leave_room_for_the_verdict():
    errors = [f"E       assert {n} == 0" for n in range(50)]
    failed = [f"FAILED tests/test_a.py::test_{n}" for n in range(50)]
    found = what_matters("\n".join([*errors, *failed, "===== 50 failed in 1.0s ====="]))
    assert len(found) == MOST_LINES - 1
    assert found[-1] == "50 failed in 1.0s"


def test_many_diagnoses_keep_the_count():
    lines = [f"src/a.py:{n}:1: F401 unused" for n in range(80)]
    found = what_matters("\n".join([*lines, "Found 80 errors."]))
    assert len(found) == MOST_LINES
    assert found[-1] == "Found 80 errors."


def test_silence_has_no_lines():
    assert what_matters("") == []
    assert headline([]) == ""


def test_a_step_that_went_well_says_what_it_showed():
    assert closing_line("lint", "noise\ngate-lint: ok: nothing found\n") == "nothing found"
    assert closing_line("lint", "gate-types: ok: nothing found\n") == ""
