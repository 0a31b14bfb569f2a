"""The metrics say when the model reads less surely than training promised, and how old it is."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert

from portfolio_project.api import watch
from portfolio_project.provenance import Registry
from portfolio_project.world import company, tables
from portfolio_project.world.engine import reading

START = datetime(2026, 1, 1, tzinfo=UTC)
THRESHOLD, PROMISED = 0.9, 0.6


@pytest.fixture
def worked(engine):
    """Record tickets that were read with the given confidences, oldest first."""

    def work(*confidences):
        rows = [
            {
                "tenant": "demo",
                "id": f"TCK-{2_000 + at}",
                "requester": "a.b@corp.example",
                "text": "Hello",
                "state": "closed",
                "confidence": sure,
                "created_at": START + timedelta(minutes=at),
            }
            for at, sure in enumerate(confidences)
        ]
        with engine.begin() as connection:
            company.found(connection, "demo", {})
            connection.execute(insert(tables.tickets), rows)

    return work


def seen(engine):
    with reading(engine) as connection:
        return watch.quality(connection, THRESHOLD, PROMISED)


def test_as_sure_as_promised_is_no_alarm(engine, worked):
    worked(*[0.95, 0.5] * 100)

    told = seen(engine)

    assert (told.tickets, told.sure, told.alarm) == (200, 0.5, False)


def test_words_that_the_model_does_not_know_raise_the_alarm(engine, worked):
    worked(*[0.95] * 300, *[0.3] * 140, *[0.95] * 60)

    told = seen(engine)

    assert (told.tickets, told.sure, told.alarm) == (200, 0.3, True)


def test_a_few_unsure_tickets_prove_nothing(engine, worked):
    worked(0.3, 0.3, 0.3, 0.3)

    assert not seen(engine).alarm


def test_what_people_decline_is_counted(engine, worked):
    worked(0.95)
    decided = [
        {
            "tenant": "demo",
            "id": f"{state}-{at}",
            "ticket": "TCK-2000",
            "action": "issue_refund",
            "arguments": "{}",
            "rule": "refund.large",
            "state": state,
            "created_at": START,
        }
        for state, count in (("approved", 3), ("rejected", 1), ("waiting", 5))
        for at in range(count)
    ]
    with engine.begin() as connection:
        connection.execute(insert(tables.approvals), decided)

    assert seen(engine).declined == 0.25


def test_a_model_does_not_get_younger_by_serving_again(workspace):
    registry = Registry(workspace / "registry")
    version = registry.current_id()
    first = datetime.fromisoformat(registry.history()[-1].at)
    later = first + timedelta(days=3)

    registry.promote(version, gate=lambda _candidate, _champion: ())

    assert watch.age_days(registry, version, later) == 3
    assert watch.age_days(registry, "unknown", later) == 0


def test_the_metrics_tell_it(app_factory):
    with TestClient(app_factory()) as client:
        lines = client.get("/metrics").text.splitlines()

    told = dict(line.rsplit(" ", 1) for line in lines if line.startswith("desk_"))
    assert float(told["desk_sure_promised"]) > 0
    assert 0 <= float(told["desk_model_age_days"]) < 1
    assert (told["desk_alarm"], told["desk_declined"]) == ("0.0", "0.0")
