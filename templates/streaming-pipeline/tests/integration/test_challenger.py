"""Shadow, canary, promotion and rollback: what each may change, and what none may."""

import itertools
import threading
import time

import httpx2
import numpy as np
import pytest
from pipeline import (
    START,
    contents,
    current_scorer,
    envelope,
    faulty_plan,
    filled_log,
    payment,
    run,
)

from portfolio_project import broker, challenger, scorer
from portfolio_project.features import FEATURE_NAMES
from portfolio_project.provenance import (
    GateRefusedError,
    ProvenanceError,
    Registry,
)
from portfolio_project.serving import in_thread
from portfolio_project.train import GATE


@pytest.fixture
def registry(workspace):
    return Registry(workspace / "registry")


@pytest.fixture
def other(registry):
    """A registered version that does not serve."""
    serving = registry.current_id()
    return next(one.id for one in registry.versions() if one.id != serving)


def tried(registry, version, share):
    return challenger.load_challenger(registry, challenger.Trial(version=version, share=share))


def predictions(tmp_path, model, beside, name):
    model.beside = beside
    log = filled_log(tmp_path / f"{name}-log.db", faulty_plan())
    return run(log, tmp_path / f"{name}.db", model)


class Broken:
    """A challenger in the worst state."""

    version, threshold = "f" * 16, 0.5

    def score(self, rows):
        raise RuntimeError(f"out of order, {len(rows)} rows wait")


class Wild(Broken):
    def score(self, rows):
        return np.full(len(rows), np.nan, np.float32)


def test_a_shadow_changes_no_decision(registry, other, workspace, tmp_path):
    model = current_scorer(workspace)
    alone = contents(predictions(tmp_path, model, None, "alone"), "predictions")
    shadow = predictions(tmp_path, model, tried(registry, other, 0.0), "shadow")
    assert contents(shadow, "predictions") == alone
    trials = contents(shadow, "trials")
    assert len(trials) == len(alone) > 1_000
    theirs = scorer.load(registry.get(other))
    for row, trial in zip(alone[::100], trials[::100], strict=True):
        matrix = np.frombuffer(row[-1], np.float32).reshape(1, -1)
        assert trial[2] == float(theirs.score(matrix)[0])
        assert trial[4] == row[7]
    for kind in (Broken, Wild):
        beside = challenger.Challenger(kind(), 1.0)
        broken = predictions(tmp_path, model, beside, kind.__name__)
        assert contents(broken, "predictions") == alone
        assert contents(broken, "trials") == []


def test_a_canary_decides_for_its_share_of_the_cards_and_no_other(
    registry, other, workspace, tmp_path
):
    model = current_scorer(workspace)
    beside = tried(registry, other, 0.3)
    alone = contents(predictions(tmp_path, model, None, "alone"), "predictions")
    mixed = contents(predictions(tmp_path, model, beside, "mixed"), "predictions")
    chosen = {row[2] for row in mixed if row[9] == other}
    assert chosen == {row[2] for row in mixed if beside.decides(row[2])}
    assert 0 < len(chosen) < len({row[2] for row in mixed})
    for before, after in zip(alone, mixed, strict=True):
        if after[2] not in chosen:
            assert after == before


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_the_share_is_the_share(share):
    beside = challenger.Challenger(Broken(), share)
    hit = sum(beside.decides(f"card-{number}") for number in range(20_000)) / 20_000
    assert hit == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("answer", [np.nan, np.inf, -0.1, 1.1])
def test_an_answer_that_is_no_probability_is_passed_over(answer):
    class Broken:
        version, threshold = "0" * 16, 0.5

        def score(self, rows):
            scores = np.full(len(rows), 0.5, np.float32)
            scores[-1] = answer
            return scores

    rows = np.zeros((3, len(FEATURE_NAMES)), np.float32)
    assert challenger.Challenger(Broken(), 1.0).scores(rows) is None


def test_a_canary_must_pass_the_gate_and_a_shadow_need_not(registry, other):
    def closed(_candidate, _champion):
        return ["not good enough"]

    with pytest.raises(GateRefusedError, match="not good enough"):
        challenger.start_trial(registry, other, 0.1, closed)
    assert challenger.trial_of(registry) is None
    challenger.start_trial(registry, other, 0.0, closed)
    assert challenger.trial_of(registry).version == other
    with pytest.raises(ProvenanceError, match="serves already"):
        challenger.start_trial(registry, registry.current_id(), 0.0, GATE)
    challenger.end_trial(registry)
    challenger.end_trial(registry)
    assert challenger.trial_of(registry) is None


def test_the_two_are_compared_on_the_same_payments(registry, other, workspace, app_factory):
    model = current_scorer(workspace)
    model.beside = tried(registry, other, 0.0)
    log = filled_log(workspace / "log.db", faulty_plan())
    results = run(log, workspace / "stream.db", model)
    rows = contents(results, "trials")
    with in_thread(app_factory()) as url, httpx2.Client(base_url=url) as client:
        assert client.get("/v1/trial").json()["version"] is None
        said = client.post(f"/v1/models/{other}/try", json={"share": 0}).json()
        assert client.get("/v1/trial").json() == said
        assert client.post("/v1/trial/end").json()["version"] is None
        again = client.post(f"/v1/models/{registry.current_id()}/try", json={})
        assert again.status_code == 409
    assert said["payments"] == len(rows)
    assert said["alerts"] == sum(row[3] for row in rows)
    assert said["champion_alerts"] == sum(row[5] for row in rows)
    assert said["disagreements"] == sum(row[3] != row[5] for row in rows)
    assert 0 < said["champion_found"] <= said["frauds"]


def test_no_request_fails_while_models_come_and_go(registry, other, workspace, app_factory):
    """Four callers ask without a pause while models are tried, rolled back and promoted."""
    serving = registry.current_id()
    failures, versions = [], set()
    stop = threading.Event()

    def call(url, number):
        with httpx2.Client(base_url=url, timeout=20) as client:
            for count in itertools.count():
                if stop.is_set() or count >= 2_000:
                    return
                body = payment(count, card_id=f"card-{number}-{count % 50}", occurred_at=START)
                answer = client.post("/v1/score", json=body)
                said = answer.json()
                if answer.status_code != 200:
                    failures.append(said)
                elif answer.headers["x-model-version"] != said["model_version"]:
                    failures.append("the header names another model than the body")
                else:
                    versions.add(said["model_version"])

    with in_thread(app_factory()) as url, httpx2.Client(base_url=url, timeout=20) as client:
        broker.Log(workspace / "log.db").append([envelope(0)])  # sets the clock
        callers = [threading.Thread(target=call, args=(url, number)) for number in range(4)]
        for one in callers:
            one.start()
        moves = []
        for _ in range(3):
            moves.append(client.post(f"/v1/models/{other}/try", json={"share": 0}))
            moves.append(client.post("/v1/models/rollback"))
            moves.append(client.post("/v1/trial/end"))
            moves.append(client.post(f"/v1/models/{serving}/promote"))
            time.sleep(0.1)
        stop.set()
        for one in callers:
            one.join()
    assert [one.status_code for one in moves] == [200] * 12
    assert not failures
    assert versions == {serving, other}
