"""A stream goes on where history ended, and training can go on where the stream is."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from pipeline import WORLD, contents, current_scorer, run

from portfolio_project import (
    broker,
    challenger,
    dataset,
    generator,
    history,
    ingest,
    profiles,
    retrain,
    simulator,
    store,
    table,
)
from portfolio_project.provenance import Registry, read_run

TINY = profiles.PROFILES["tiny"].world


def later_events(count):
    """What the world of the trained models sends after the history that they know."""
    plan = generator.plan(simulator.simulate(replace(TINY, days=TINY.days + 10)))
    begin = plan.position_at(TINY.present - 1)
    return list(plan.envelopes(begin, begin + count))


@pytest.fixture
def log(workspace):
    return broker.Log(workspace / "log.db")


def start(settings, log):
    """The store of a stream that has just begun."""
    results = store.Store(settings.store_path)
    taken = history.take_windows(settings, log, results)
    return results, taken


def test_the_first_payments_of_a_stream_find_the_windows_of_history(make_settings, log):
    settings, events = make_settings(), later_events(400)
    log.append(events)
    results, taken = start(settings, log)
    assert taken
    results.close()
    results = run(log, settings.store_path, current_scorer(settings.data_dir))

    whole = [*dataset.read_events(settings.dataset_dir / ingest.EVENTS_FILE), *events]
    expected = table.replay(whole)[0].features
    rows = contents(results, "predictions")
    streamed = np.frombuffer(b"".join(row[-1] for row in rows), np.float32)
    np.testing.assert_array_equal(streamed.reshape(len(rows), -1), expected[-len(rows) :])
    assert expected[-len(rows) :, 7].mean() > 10, "cards had a month of payments behind them"


def test_windows_are_taken_once(make_settings, log):
    settings = make_settings()
    log.append(later_events(50))
    start(settings, log)[0].close()
    results = run(log, settings.store_path, current_scorer(settings.data_dir))
    before = contents(results, "state")
    assert not history.take_windows(settings, log, results)
    assert contents(results, "state") == before


def test_a_log_that_begins_before_history_ends_is_a_stream_of_its_own(make_settings, log):
    settings = make_settings()
    log.append(generator.plan(simulator.simulate(WORLD)).envelopes(0, 50))
    results, taken = start(settings, log)
    assert not taken
    assert results.state() == []


def test_damaged_windows_are_left_where_they_are(make_settings, log, monkeypatch):
    settings = make_settings()
    monkeypatch.setattr(history, "load_state", lambda _path: [store.Row("card", "c", b"[1]\n")])
    results, taken = start(settings, log)
    assert not taken
    assert results.state() == []


def test_a_data_set_of_history_and_stream_has_what_the_stream_counted(make_settings, log):
    settings, events = make_settings(), later_events(300)
    again = events[0]._replace(arrived_at=events[-1].arrived_at)
    log.append([*events, again, again._replace(value=b"{")])
    start(settings, log)[0].close()
    results = run(log, settings.store_path, current_scorer(settings.data_dir))
    log.append(later_events(301)[-1:])  # not processed yet

    path = settings.data_dir / "both"
    count = retrain.write_data_set(settings, path)
    lines = list(dataset.read_events(path))
    known = list(dataset.read_events(settings.dataset_dir / ingest.EVENTS_FILE))
    assert lines == [*known, *events, again]
    assert count == len(lines)
    rows = contents(results, "predictions")
    streamed = np.frombuffer(b"".join(row[-1] for row in rows), np.float32)
    replayed = table.replay(lines)[0].features[-len(rows) :]
    np.testing.assert_array_equal(streamed.reshape(len(rows), -1), replayed)


@pytest.mark.slow
def test_a_model_of_the_stream_is_tried_in_the_shadow(make_settings, log):
    settings = make_settings()
    log.append(later_events(3_000))
    start(settings, log)[0].close()
    run(log, settings.store_path, current_scorer(settings.data_dir)).close()
    registry = Registry(settings.registry_dir)
    champion = registry.current()

    folder = str(settings.data_dir)
    program = [sys.executable, "-m", "portfolio_project"]
    done = subprocess.run(
        [*program, "retrain", "--shadow"],
        env={**os.environ, "PORTFOLIO_PROJECT_DATA_DIR": folder},
        cwd=settings.data_dir,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    trial = challenger.trial_of(registry)
    assert trial is not None
    assert done.stdout.startswith(trial.version)
    assert registry.current_id() == champion.id != trial.version
    manifest = registry.get(trial.version).manifest
    first = read_run(settings.models_dir / "lightgbm" / "run.json")
    assert manifest.config == first.config
    assert manifest.inputs != first.inputs, "it learned from other events"
