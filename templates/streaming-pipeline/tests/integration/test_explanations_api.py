"""Questions about scores over a real socket: why, what if, and what the label said later."""

from math import exp

import httpx2
import pytest
from pipeline import START, current_scorer, envelope, faulty_plan, payment

from portfolio_project import broker, labels, runner, store, table
from portfolio_project.features import LABEL_DELAY
from portfolio_project.provenance import Registry


@pytest.fixture
def client(live_server):
    with httpx2.Client(base_url=live_server, timeout=20) as session:
        yield session


@pytest.fixture
def log(workspace):
    return broker.Log(workspace / "log.db")


@pytest.fixture
def process(workspace, log):
    """Let the stream processor catch up with the log."""
    results = store.Store(workspace / "stream.db")
    model = current_scorer(workspace)
    return lambda: runner.Runner(log, results, lambda: model).drain()


def adds_up(why):
    total = why["base_log_odds"] + sum(part["log_odds"] for part in why["contributions"])
    assert total == pytest.approx(why["log_odds"], abs=1e-9)
    assert why["score"] == pytest.approx(1 / (1 + exp(-why["log_odds"])), abs=1e-6)
    sizes = [abs(part["log_odds"]) for part in why["contributions"]]
    assert sizes == sorted(sizes, reverse=True)
    return {part["feature"]: part["value"] for part in why["contributions"]}


def test_a_decision_is_explained_by_what_was_seen_then(client, log, process, workspace):
    events = list(faulty_plan().envelopes())
    log.append(events[:1_500])
    process()
    rows = client.get("/v1/predictions", params={"limit": 20}).json()["items"]
    before = {row["event_id"]: client.get(path(row)).json() for row in rows}
    log.append(events[1_500:])
    process()
    Registry(workspace / "registry").rollback()
    for row in rows:
        why = client.get(path(row)).json()
        assert why == before[row["event_id"]]
        assert (why["score"], why["model_version"]) == (row["score"], row["model_version"])
        decided = client.get(f"/v1/predictions/{row['event_id']}").json()
        assert adds_up(why) == decided["features"]


def path(row):
    return f"/v1/predictions/{row['event_id']}/explanation"


def test_what_was_not_scored_has_no_explanation(client):
    assert client.get("/v1/predictions/never-seen/explanation").status_code == 404


def test_a_question_is_answered_with_its_reasons(client, log, process):
    log.append([envelope(1)])
    process()
    asked = payment(2, amount_cents=90_000)
    explained = client.post("/v1/score/explanation", json=asked).json()
    assert explained["answer"] == client.post("/v1/score", json=asked).json()
    seen = adds_up(explained["explanation"])
    assert seen["amount"] == 900
    assert log.end() == 1


def test_a_simpler_model_is_explained_too(client, log, workspace, process):
    Registry(workspace / "registry").rollback()
    model = current_scorer(workspace)
    assert model.spec.algorithm == "logistic"
    log.append([envelope(1), envelope(2, card_id="card-9")])
    runner.Runner(log, store.Store(workspace / "stream.db"), lambda: model).drain()
    adds_up(client.get("/v1/predictions/tx-2/explanation").json())


def test_a_batch_of_questions_is_answered_one_by_one(client, log, process):
    log.append([envelope(1)])
    process()
    good = [payment(number, card_id=f"card-{number % 3}") for number in range(2, 12)]
    bad = [payment(20, amount_cents=-1), payment(1), {"version": 1}]
    done = client.post("/v1/score/batch", json={"payments": [*good, *bad]}).json()
    assert (done["scored"], done["refused"]) == (10, 3)
    for asked, one in zip(good, done["answers"], strict=False):
        assert one["score"] == client.post("/v1/score", json=asked).json()
    assert ["amount_cents" in done["answers"][-3]["detail"]] == [True]
    assert all(one["score"] is None and one["detail"] for one in done["answers"][10:])
    assert log.end() == 1


def test_a_terminal_shows_its_judged_windows(client, log, process):
    later = START + LABEL_DELAY + 2 * 86_400
    log.append([envelope(number) for number in range(1, 5)])
    process()
    client.post("/v1/labels", json={"event_id": "tx-2", "fraud": True})
    log.append([envelope(9, occurred_at=later)])
    process()
    found = client.get("/v1/terminals/term-1").json()
    assert found["last_seen"] == later
    assert [(one["count"], one["frauds"]) for one in found["windows"]] == [(0, 0), (4, 1), (4, 1)]
    assert client.get("/v1/terminals/nobody").status_code == 404


def test_a_chargeback_sent_twice_is_one_and_counts_from_its_arrival(client, log, process):
    log.append([envelope(1)])
    process()
    log.append([envelope(2, occurred_at=START + 9 * 86_400, card_id="card-2")])
    sent = [
        client.post(
            "/v1/labels",
            json={"event_id": "tx-1", "fraud": True},
            headers={"Idempotency-Key": "chargeback-77"},
        )
        for _ in range(2)
    ]
    assert [one.status_code for one in sent] == [202, 202]
    assert sent[0].json() == sent[1].json() == {"offset": 3}
    assert log.end() == 3
    records = log.read(0, 10)
    arrived = records[-1].arrived_at
    learnt, _ = table.replay(broker.Envelope(*record[1:]) for record in records)
    assert not labels.frauds_known(learnt, arrived - 1).any()
    assert labels.frauds_known(learnt, arrived).tolist() == [True, False]
