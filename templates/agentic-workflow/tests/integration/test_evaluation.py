"""The evaluation over real HTTP: deterministic, replayable, and honest about its source."""

import os
import shutil
import subprocess
import sys

import orjson
import pytest

from portfolio_project.evaluation import command, dataset
from portfolio_project.evaluation.cassette import (
    CassetteMissError,
    CassetteTransport,
)
from portfolio_project.evaluation.run import How, evaluate
from portfolio_project.settings import Settings

CASES = dataset.load()[::60]
STAMP = {"model": "local"}
PROGRAM = [sys.executable, "-m", "portfolio_project"]


def grades(model, how, transport=None):
    return evaluate(CASES, model, Settings(), how, transport).grades


def test_concurrency_processes_and_the_hash_seed_change_no_byte(workspace, tmp_path):
    """Both runs are the command itself, as a user starts it."""
    runs = {
        name: subprocess.Popen(
            [*PROGRAM, "evaluate", "--every=60", *options],
            cwd=tmp_path,
            env={
                **os.environ,
                "PORTFOLIO_PROJECT_DATA_DIR": str(workspace),
                "PYTHONHASHSEED": seed,
            },
            stdout=subprocess.DEVNULL,
        )
        for name, seed, options in (
            ("one", "1", ["--concurrency=1", "--out=one"]),
            ("two", "2", ["--concurrency=8", "--processes=2", "--out=two"]),
        )
    }
    try:
        assert [run.wait(200) for run in runs.values()] == [0, 0]
    finally:
        for run in runs.values():
            run.kill()
            run.wait()

    for file in (command.REPORT, command.PAGE):
        one, two = ((tmp_path / name / file).read_bytes() for name in runs)
        assert one == two, file
    report = orjson.loads((tmp_path / "one" / command.REPORT).read_bytes())
    assert sum(c["right"] for c in report["cases"]) > len(report["cases"]) / 2
    assert (report["violations"], report["trace_faults"]) == (0, {})
    assert (tmp_path / "one" / command.VOLATILE).exists()


def test_the_threshold_hands_tickets_to_a_person(model):
    told = grades(model, How(threshold=1.01))

    assert {g.outcome for g in told} == {"escalated"}
    assert [w for g in told for w in g.unsafe] == []


class Dead:
    """A network that must not be used."""

    async def handle_async_request(self, _request):
        raise AssertionError("the network was used")

    async def aclose(self):
        pass


@pytest.fixture(scope="module")
def recorded(model, tmp_path_factory):
    """The recordings of a run, and its grades."""
    folder = tmp_path_factory.mktemp("recorded")
    return folder, grades(model, How(), CassetteTransport(folder, "record", STAMP))


def test_recordings_replay_without_a_server(recorded, model, tmp_path):
    folder = tmp_path / "kept"
    shutil.copytree(recorded[0], folder)
    kept = sorted(folder.rglob("*.json"))
    assert len({p.parent for p in kept}) == len(CASES)
    assert orjson.loads(kept[0].read_bytes())["source"] == {"host": "127.0.0.1", "model": "local"}
    shutil.copy(kept[0], kept[0].with_name("never-asked.json"))

    transport = CassetteTransport(folder, "replay", STAMP, Dead())

    assert grades(model, How(), transport) == recorded[1]
    assert transport.unused() == [f"{kept[0].parent.name}/never-asked.json"]


def test_a_request_that_was_not_recorded_stops_the_replay_and_shows_why(recorded, model, tmp_path):
    folder = tmp_path / "kept"
    shutil.copytree(recorded[0], folder)
    shutil.rmtree(folder / CASES[3].id)
    changed = min((folder / CASES[3].id).parent.glob(f"{CASES[2].id}/*.json"))
    shutil.copytree(changed.parent, folder / CASES[3].id)

    with pytest.raises(CassetteMissError) as missed:
        grades(model, How(), CassetteTransport(folder, "replay", STAMP, Dead()))

    told = str(missed.value)
    assert told.startswith(f"no recording {CASES[3].id}/")
    assert "--- recorded" in told
    assert "+++ now" in told


def test_a_recording_is_never_taken_for_another_models(recorded):
    other = CassetteTransport(recorded[0], "replay", {"model": "openai:other"}, Dead())

    with pytest.raises(CassetteMissError, match="not recorded from openai:other"):
        other._replay(next(recorded[0].rglob("*.json")), {}, None)
