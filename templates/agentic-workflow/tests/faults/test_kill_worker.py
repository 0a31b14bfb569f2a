"""A worker is killed (SIGKILL) before each result that the engine records; nothing is lost or
doubled, and no model call that had finished is made again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from portfolio_project.tickets.draw import draw_company

LAB = Path(__file__).parents[1] / "crash_lab.py"
STEPS = range(11)


@pytest.fixture(scope="module")
def story():
    """An access that needs approval: the longest way through the desk."""
    support = [s["email"] for s in draw_company(7)["employees"] if s["department"] == "support"]
    return "I need write access to the production database.", support[0]


@pytest.mark.timeout(240)
def test_killed_before_any_recorded_result_a_ticket_ends_the_same(workspace, story):
    done = subprocess.run(
        [sys.executable, LAB, workspace, *story, *map(str, STEPS)],
        capture_output=True,
        text=True,
        check=False,
        cwd=workspace.parent,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    calm, *killed = [json.loads(line) for line in done.stdout.splitlines()]

    assert (calm["outcome"], calm["codes"]) == ("resolved", [0])
    assert calm["effects"] == 1
    boundaries = [told for told in killed if told["codes"][0] == -9]
    assert len(boundaries) >= 8, "the engine records fewer results than expected"
    for told in killed:
        assert told["codes"][-1] == 0, told
        for kept in ("outcome", "grants", "effects", "approvals"):
            assert told[kept] == calm[kept], told
        # At most the call in flight is asked again.
        assert len(told["calls"]) <= len(calm["calls"]) + 1, told
        assert set(told["calls"]) == set(calm["calls"]), told
