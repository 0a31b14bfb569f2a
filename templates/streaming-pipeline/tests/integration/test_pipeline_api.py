"""The API over a real socket, with a real stream behind it."""

import itertools
import json

import httpx2
import pytest
from pipeline import START, contents, current_scorer, envelope, faulty_plan, payment, replayed

from portfolio_project import broker, runner, store
from portfolio_project.serving import in_thread


@pytest.fixture
def client(live_server):
    with httpx2.Client(base_url=live_server, timeout=20) as session:
        yield session


@pytest.fixture
def log(workspace):
    return broker.Log(workspace / "log.db")


@pytest.fixture
def process(workspace, log):
    """Let the stream processor catch up; returns its store."""
    results = store.Store(workspace / "stream.db")
    model = current_scorer(workspace)

    def catch_up():
        runner.Runner(log, results, lambda: model).drain()
        return results

    return catch_up


def test_a_score_is_what_the_stream_will_say(client, log, process):
    plan = faulty_plan()
    events = list(plan.envelopes())
    log.append(events[:2_000])
    process()
    asked = 0
    for event in events[2_000:2_060]:
        log.append([broker.Envelope(event.arrived_at, "tick", b"")])  # the virtual clock goes on
        json_body = {"Content-Type": "application/json"}
        answer = client.post("/v1/score", content=event.value, headers=json_body)
        log.append([event])
        results = process()
        if answer.status_code != 200:
            continue
        asked += 1
        said = answer.json()
        row = client.get(f"/v1/predictions/{said['event_id']}").json()
        assert row["score"] == said["score"]
        assert row["features"] == pytest.approx(said["features"], rel=1e-6)
        assert answer.headers["x-model-version"] == said["model_version"] == row["model_version"]
    assert asked > 40
    assert results.position().offset == 2_000 + 2 * 60


def test_a_question_changes_nothing(client, log, process):
    log.append([envelope(1)])
    results = process()
    before = contents(results, "state")
    for _ in range(3):
        assert client.post("/v1/score", json=payment(2)).status_code == 200
    assert contents(results, "state") == before
    assert log.end() == 1


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"occurred_at": START + 10_000}, "urn:problem:from-the-future"),
        ({"occurred_at": START - 3 * 86_400}, "urn:problem:too-late"),
        ({}, "urn:problem:already-processed"),
    ],
)
def test_a_payment_that_the_stream_would_not_take_is_not_scored(
    client, log, process, changes, kind
):
    log.append([envelope(1)])
    process()
    answer = client.post("/v1/score", json=payment(1, **changes))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == kind


def test_refused_events_are_sent_again_once_over_the_api(client, log, process):
    early = envelope(1, occurred_at=START + 5_000)._replace(arrived_at=START)
    log.append([early, early._replace(value=b"{"), envelope(2, occurred_at=START + 10_000)])
    process()
    for sent in (1, 0):
        answer = client.post("/v1/dead-letters/redrive", json={"reason": "from-the-future"})
        assert (answer.status_code, answer.json()) == (200, {"sent": sent, "refused": {}})
        process()
    assert client.get("/v1/predictions/tx-1").status_code == 200
    left = client.post("/v1/dead-letters/redrive", json={})
    assert left.json() == {"sent": 0, "refused": {"not-json": 1}}


def test_each_event_of_a_batch_has_its_own_outcome(client, log, process):
    log.append([envelope(1)])
    good, bad = payment(2), payment(3, amount_cents=-5)
    answer = client.post("/v1/events", json={"events": [good, bad, {"hello": 1}]})
    assert answer.status_code == 202
    outcomes = answer.json()["outcomes"]
    assert [one["status"] for one in outcomes] == ["accepted", "rejected", "rejected"]
    assert [one["offset"] for one in outcomes] == [2, 3, 4]
    assert outcomes[1]["detail"].startswith("amount_cents: ")
    process()
    assert client.get("/v1/predictions/tx-2").json()["card_id"] == "card-1"
    letters = client.get("/v1/dead-letters").json()["items"]
    assert [letter["offset"] for letter in letters] == [4, 3]
    assert letters[1]["reason"] == outcomes[1]["reason"]
    assert json.loads(letters[1]["value"]) == bad


def test_a_batch_that_is_sent_twice_counts_once(client, log, process):
    log.append([envelope(1)])
    for _ in range(2):
        client.post("/v1/events", json={"events": [payment(2)]})
    process()
    counts = client.get("/v1/stats").json()["counts"]
    assert (counts["predictions"], counts["duplicates"]) == (2, 1)


def test_pages_reach_back_to_the_first_decision(client, log, process):
    log.append([envelope(number) for number in range(1, 26)])
    process()
    seen, cursor = [], None
    while True:
        params = {"limit": 10, **({"cursor": cursor} if cursor else {})}
        page = client.get("/v1/predictions", params=params).json()
        seen += [one["event_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"tx-{number}" for number in range(25, 0, -1)]
    alerts = client.get("/v1/predictions", params={"alerts_only": True}).json()["items"]
    assert all(one["alert"] for one in alerts)


def test_a_card_shows_its_windows(client, log, process):
    log.append([envelope(1), envelope(2, amount_cents=3_000)])
    process()
    card = client.get("/v1/cards/card-1").json()
    assert card["windows"][0] == {"days": 1, "count": 2, "mean_amount": 20.0}
    assert [one["event_id"] for one in card["decisions"]] == ["tx-2", "tx-1"]
    assert client.get("/v1/cards/card-2").status_code == 404


def test_a_reported_fraud_reaches_the_terminals_risk(client, log, process):
    log.append([envelope(1)])
    process()
    assert client.post("/v1/labels", json={"event_id": "tx-9", "fraud": True}).status_code == 404
    assert client.post("/v1/labels", json={"event_id": "tx-1", "fraud": True}).status_code == 202
    later = envelope(2, occurred_at=START + 8 * 86_400)
    log.append([later])
    process()
    found = client.get("/v1/predictions/tx-2").json()
    assert found["features"]["terminal_risk_7d"] == 1
    assert client.get("/v1/predictions/tx-1").json()["fraud"] is True


def test_the_books_balance(client, log, process):
    plan = faulty_plan()
    log.append(plan.envelopes(), producer="p", progress=broker.Progress(len(plan), plan.ledger()))
    process()
    stats = client.get("/v1/stats").json()
    assert stats["balanced"] is True
    assert stats["lag"] == 0
    assert stats["sent"] == plan.ledger()
    assert stats["counts"]["predictions"] == len(replayed(plan))
    assert stats["worker"] is None


def test_a_feed_resumes_where_it_broke_off(client, log, process):
    log.append([envelope(number) for number in range(1, 8)])
    process()

    def offsets(last_event_id):
        found = []
        with client.stream("GET", "/v1/stream", headers={"Last-Event-ID": last_event_id}) as feed:
            assert feed.headers["content-type"].startswith("text/event-stream")
            lines = list(feed.iter_lines())
        for name, data in itertools.pairwise(lines):
            if name == "event: decisions":
                found += [one["offset"] for one in json.loads(data.removeprefix("data: "))]
        return found, lines

    found, lines = offsets("0")
    assert found == [1, 2, 3, 4, 5, 6, 7]
    assert "id: 7" in lines
    assert "event: stats" in lines
    assert offsets("4")[0] == [5, 6, 7]


def test_a_rollback_changes_the_model_and_drops_no_request(client, log, process):
    log.append([envelope(1)])
    process()
    listed = client.get("/v1/models").json()
    serving = next(one for one in listed["models"] if one["serving"])
    assert serving["kind"] == "lightgbm"
    before = client.post("/v1/score", json=payment(2)).json()
    rolled = client.post("/v1/models/rollback").json()
    after = client.post("/v1/score", json=payment(2)).json()
    assert rolled["kind"] == "logistic"
    assert before["model_version"] == serving["version"]
    assert after["model_version"] == rolled["version"]
    assert after["features"] == before["features"]
    assert client.post("/v1/models/rollback").status_code == 409
    again = client.post(f"/v1/models/{serving['version']}/promote")
    assert again.status_code == 200
    assert client.post("/v1/score", json=payment(2)).json() == before
    assert client.post(f"/v1/models/{'0' * 16}/promote").status_code == 404


def test_a_model_that_falls_behind_is_not_promoted(client):
    listed = client.get("/v1/models").json()["models"]
    weaker = next(one for one in listed if not one["serving"])
    answer = client.post(f"/v1/models/{weaker['version']}/promote")
    stronger = next(one for one in listed if one["serving"])
    drop = stronger["metrics"]["average_precision"] - weaker["metrics"]["average_precision"]
    if drop > 0.02:
        assert answer.status_code == 409
        assert "average_precision" in answer.json()["reasons"][0]
    else:
        assert answer.status_code == 200


def test_without_a_model_the_service_is_up_but_not_ready(app_factory, tmp_path):
    with in_thread(app_factory(data_dir=tmp_path / "empty")) as url:
        assert httpx2.get(f"{url}/health/live").status_code == 200
        assert httpx2.get(f"{url}/health/ready").status_code == 503
        answer = httpx2.post(f"{url}/v1/score", json=payment(1, occurred_at=0))
        assert answer.status_code in {409, 503}
        assert httpx2.get(f"{url}/v1/stats").json()["model"] is None
