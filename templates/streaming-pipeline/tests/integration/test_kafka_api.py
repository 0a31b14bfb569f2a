"""The API beside Kafka workers: what it can answer it answers, what it cannot know it says."""

import time

import httpx2
import pytest
from pipeline import current_scorer, faulty_plan, filled_log, payment, run

from portfolio_project.serving import in_thread


@pytest.fixture
def client(app_factory, workspace):
    run(
        filled_log(workspace / "log.db", faulty_plan()),
        workspace / "stream.db",
        current_scorer(workspace),
    ).close()
    app = app_factory(broker_url="kafka://127.0.0.1:9", clock="wall")
    with in_thread(app) as url, httpx2.Client(base_url=url, timeout=20) as session:
        yield session


def test_windows_that_are_elsewhere_are_not_guessed(client):
    asked = client.post("/v1/score", json=payment(occurred_at=int(time.time())))
    for answer in (asked, client.get("/v1/cards/card-1"), client.get("/v1/terminals/term-1")):
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:problem:windows-elsewhere"


def test_events_are_taken_and_decisions_are_read_while_no_broker_answers(client, workspace):
    body = {"events": [payment(7, occurred_at=int(time.time()), event_id="new-1")]}
    assert client.post("/v1/events", json=body).json()["accepted"] == 1
    page = client.get("/v1/predictions", params={"limit": 3}).json()
    assert len(page["items"]) == 3
    stats = client.get("/v1/stats").json()
    assert (stats["lag"], stats["balanced"]) == (1, True)
