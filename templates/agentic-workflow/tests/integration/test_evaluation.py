"""The evaluation over real HTTP: deterministic, replayable, and honest about its source."""

import shutil

import orjson
import pytest

from portfolio_project.evaluation import command, dataset
from portfolio_project.evaluation.cassette import (
    CassetteMissError,
    CassetteTransport,
)
from portfolio_project.evaluation.report import (
    build_report,
)
from portfolio_project.evaluation.run import How, evaluate
from portfolio_project.settings import Settings

CASES = dataset.load()[::30]
STAMP = {"model": "local"}


def grades(model, how, transport=None):
    return evaluate(CASES, model, Settings(), how, transport).grades


def test_concurrency_changes_nothing(model):
    one, eight = (grades(model, How(n, threshold=0.0)) for n in (1, 8))

    assert one == eight
    assert sum(g.right for g in one) > len(CASES) / 2
    assert [v for g in one for v in g.violations] == []


def test_the_threshold_hands_tickets_to_a_person(model):
    told = grades(model, How(threshold=1.01))

    assert {g.outcome for g in told} == {"escalated"}
    assert [w for g in told for w in g.unsafe] == []


def test_recordings_replay_without_a_server_and_miss_loudly(model, tmp_path):
    recorded = grades(model, How(), CassetteTransport(tmp_path, "record", STAMP))
    kept = sorted(tmp_path.rglob("*.json"))
    assert len({p.parent for p in kept}) == len(CASES)
    assert orjson.loads(kept[0].read_bytes())["source"] == {"host": "127.0.0.1", "model": "local"}

    class Dead:
        async def handle_async_request(self, _request):
            raise AssertionError("the network was used")

    transport = CassetteTransport(tmp_path, "replay", STAMP, Dead())
    assert grades(model, How(), transport) == recorded
    assert transport.unused() == []

    first = CASES[0].id
    shutil.rmtree(tmp_path / first)
    spare = tmp_path / CASES[1].id / "never-asked.json"
    shutil.copy(next((tmp_path / CASES[1].id).iterdir()), spare)
    transport = CassetteTransport(tmp_path, "replay", STAMP, Dead())
    grades(model, How(), transport)
    assert first in transport.misses[0]
    assert transport.unused() == [f"{CASES[1].id}/never-asked.json"]


def test_a_recording_is_never_taken_for_another_models(model, tmp_path):
    grades(model, How(), CassetteTransport(tmp_path, "record", STAMP))
    other = CassetteTransport(tmp_path, "replay", {"model": "openai:other"})

    with pytest.raises(CassetteMissError, match="not recorded from openai:other"):
        other._replay(next(tmp_path.rglob("*.json")), {}, None)


def test_two_reports_of_the_same_run_are_the_same_bytes(model, tmp_path):
    for name, concurrency in (("one", 1), ("two", 8)):
        free = grades(model, How(concurrency, threshold=0.0))
        shipped = grades(model, How(concurrency))
        report = build_report(CASES, free, shipped, model, "here")
        command.write(tmp_path / name, report, 1.0, [0.1])

    for file in (command.REPORT, command.PAGE):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
