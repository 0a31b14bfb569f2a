"""The monitor behind a real stream: what it keeps, after a restart too, and what the API tells."""

import threading
from dataclasses import replace

import httpx2
import pytest
from pipeline import contents, current_scorer, run

from portfolio_project import (
    broker,
    generator,
    producer,
    profiles,
    simulator,
    snapshot,
    store,
    train,
    view,
)
from portfolio_project.events import DAY
from portfolio_project.monitors import monitor
from portfolio_project.monitors.alarms import Alarms
from portfolio_project.serving import in_thread

TINY = profiles.PROFILES["tiny"].world
DAYS = 12


@pytest.fixture(scope="module")
def live_days():
    """The days behind the history of the smallest world, without faults."""
    payments = simulator.simulate(replace(TINY, days=TINY.days + DAYS))
    first = int(payments.at.searchsorted(TINY.present))
    return list(generator.plan(payments, first=first).envelopes())


def stream(workspace, events):
    log = broker.Log(workspace / "log.db")
    log.append(events)
    results = store.Store(workspace / "stream.db")
    results.bootstrap(snapshot.load_state(workspace / "models" / train.STATE_FILE))
    results.close()
    return run(log, workspace / "stream.db", current_scorer(workspace))


def watch_all(settings):
    return monitor.follow(settings, threading.Event(), until_end=True)


def kept(settings):
    return [one.alarm for one in Alarms(settings.monitor_path).latest(limit=100)][::-1]


def test_a_drift_raises_alarms_and_asks_for_training(
    workspace, make_settings, app_factory, live_days
):
    settings = make_settings()
    begins = TINY.present + 6 * DAY
    events = [producer.dearer(one) if one.arrived_at >= begins else one for one in live_days]
    results = stream(workspace, events)
    assert watch_all(settings) == len(contents(results, "predictions"))
    alarms = kept(settings)
    drifts = [one for one in alarms if one.kind == "drift"]
    assert drifts
    assert all(begins < one.at for one in drifts)
    assert {"retrain"} == {one.kind for one in alarms if one.signal == "model"}
    with in_thread(app_factory()) as url, httpx2.Client(base_url=url) as client:
        told = client.get("/v1/monitors").json()
        assert told["retraining_due"] is True
        assert told["watched_offset"] == results.position().offset
        assert {one["signal"] for one in told["signals"]} >= {"score", "amount", "late", "refused"}
        first = client.get("/v1/alarms?limit=1").json()
        assert first["items"][0]["offset"] == alarms[-1].offset
        rest = client.get("/v1/alarms", params={"cursor": first["next_cursor"]}).json()
        assert len(rest["items"]) == len(alarms) - 1
        client.post("/v1/models/rollback").raise_for_status()
        assert client.get("/v1/monitors").json()["retraining_due"] is False


def test_the_same_stream_without_drift_raises_none(workspace, make_settings, live_days):
    settings = make_settings()
    stream(workspace, live_days)
    watch_all(settings)
    assert [one for one in kept(settings) if one.kind == "drift"] == []


def test_a_monitor_that_was_killed_keeps_no_alarm_twice(
    workspace, make_settings, live_days, monkeypatch
):
    settings = make_settings()
    begins = TINY.present + 6 * DAY
    events = [producer.dearer(one) if one.arrived_at >= begins else one for one in live_days]
    stream(workspace, events)
    monkeypatch.setattr(monitor, "_LIMIT", 700)
    for _ in range(4):
        one = monitor.Monitor(settings)
        one.look()
        one.look()
        one.close()
    watch_all(settings)
    interrupted = kept(settings)
    settings.monitor_path.unlink()
    watch_all(settings)
    assert [one for one in kept(settings) if one.kind != "retrain"] == [
        one for one in interrupted if one.kind != "retrain"
    ]
    assert (
        view.View(settings.store_path).counters().offset == Alarms(settings.monitor_path).offset()
    )
