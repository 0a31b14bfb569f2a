"""The desk's fault table: whatever fails, no ticket is lost and no effect is doubled.

`docs/faults.md` says in words what each of these tests shows.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fault_lab import BOUNDARIES
from faulty_model import ANSWERS, SILENT
from filelock import FileLock

from portfolio_project.tickets.draw import draw_company

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LAB = Path(__file__).parents[1] / "fault_lab.py"
FAULTS = [*ANSWERS, *(f"{fault}@work" for fault in ANSWERS)]
KEPT = ("outcome", "grants", "effects", "approvals", "refunds", "purchases", "audit")


@pytest.fixture(scope="session")
def told(tmp_path_factory, worker_id, trained):
    """Every story by its name; told once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "faults"
    with FileLock(f"{folder}.lock"):
        if not (folder / "stories").exists():
            (folder / "var").mkdir(parents=True)
            shutil.copytree(trained / "registry", folder / "var" / "registry")
            staff = draw_company(7)["employees"]
            asker = next(s["email"] for s in staff if s["department"] == "support")
            done = subprocess.run(
                [sys.executable, LAB, folder / "var", asker],
                capture_output=True,
                text=True,
                check=False,
                cwd=folder,
            )
            assert done.returncode == 0, done.stderr[-3000:]
            (folder / "said").write_text(done.stderr)
            (folder / "stories").write_text(done.stdout)
    lines = (folder / "stories").read_text().splitlines()
    stories = [json.loads(line) for line in lines if line.startswith('{"story"')]
    said = (folder / "said").read_text()[-3000:]
    return {story["story"]: {**story, "said": said} for story in stories}


def kept(story):
    return {name: story[name] for name in KEPT}


def test_without_a_fault_there_is_one_effect(told):
    calm = told["calm"]

    assert (calm["codes"], calm["outcome"]) == ([0], "resolved")
    assert (calm["effects"], calm["approvals"], calm["audit"]) == (1, 1, True)
    assert len(calm["calls"]) == len(set(calm["calls"]))


@pytest.mark.parametrize("step", BOUNDARIES)
def test_a_worker_killed_before_a_result_is_recorded(told, step):
    story = told[f"killed-{step}"]

    assert story["codes"] in ([-9, 0], [0, 0])
    assert kept(story) == kept(told["calm"])
    # At most the call in flight is asked again.
    assert len(story["calls"]) <= len(told["calm"]["calls"]) + 1
    assert set(story["calls"]) == set(told["calm"]["calls"])


def test_the_kills_reach_every_boundary(told):
    reached = [told[f"killed-{step}"]["codes"][0] == -9 for step in BOUNDARIES]

    assert sum(reached) >= 8
    assert sorted(reached, reverse=True) == reached
    assert not reached[-1], "there are more boundaries than are tried"


def test_a_person_decides_while_no_worker_runs(told):
    story = told["restarted"]

    assert story["codes"] == [-9, 0]
    assert kept(story) == kept(told["calm"])
    assert story["calls"] == told["calm"]["calls"]


@pytest.mark.parametrize("clock", ["fast", "slow"])
def test_a_worker_whose_clock_is_two_days_off(told, clock):
    assert told[clock]["codes"] == [-9, 0]
    assert kept(told[clock]) == kept(told["calm"])


def test_ticket_and_decision_are_delivered_again_and_again_to_two_workers(told):
    story = told["doubled"]

    assert story["codes"] == [0, 0, 0], story["said"]
    assert kept(story) == kept(told["calm"])
    assert sorted(story["calls"]) == sorted(told["calm"]["calls"])


def test_the_records_are_locked_for_longer_than_a_statement_waits(told):
    assert told["locked"]["codes"] == [0]
    assert kept(told["locked"]) == kept(told["calm"])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_that_fails_hands_the_ticket_to_a_person(told, fault):
    story = told[f"model-{fault}"]

    assert (story["codes"], story["outcome"]) == ([0], "escalated")
    assert story["summary"].startswith("The model failed: ")
    assert story["effects"] == 0
    assert 1 <= story["asked"] <= 12


@pytest.mark.parametrize("fault", SILENT)
@pytest.mark.parametrize("when", ["", "@work"])
def test_the_fallback_model_goes_on_where_the_first_gives_no_answer(told, fault, when):
    story = told[f"fallback-{fault}{when}"]

    # All ask for the same access: the first is given it, the others are told it is there.
    assert story["outcome"] in {"resolved", "denied"}
    assert story["grants"] == told["calm"]["grants"]
    assert story["asked"] >= 1
