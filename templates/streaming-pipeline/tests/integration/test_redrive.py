"""Refused events are sent again when the reason is gone: every one once, whatever happens."""

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial

import orjson
from pipeline import (
    contents,
    counters,
    current_scorer,
    envelope,
    faulty_plan,
    filled_log,
    letters_by_reason,
    new_schema_payment,
    run,
)

from portfolio_project import broker, redrive, runner, store, view
from portfolio_project.events import MAX_LATENESS, Reason, read_event

MIDST = 2_000
"""Entries of the plan before the upgrade: payments go on coming, so some are not yet too late."""


def by_an_old_reader(monkeypatch, trained, folder):
    """A log of both versions, processed by a runner that knows only the first."""
    log = broker.Log(folder / "log.db")
    log.append(faulty_plan().envelopes(0, MIDST))
    with monkeypatch.context() as before:
        before.setattr(runner, "read_event", partial(read_event, newest=1))
        run(log, folder / "stream.db", current_scorer(trained)).close()
    return log


def test_an_upgraded_reader_takes_what_the_old_one_set_aside(trained, tmp_path, monkeypatch):
    log = by_an_old_reader(monkeypatch, trained, tmp_path)
    plan = faulty_plan()
    now = log.latest_arrival()
    seen = view.View(tmp_path / "stream.db")
    refused = {one.offset: one for one in redrive.pending(log, seen, Reason.VERSION)}
    assert len(refused) == plan.ledger(MIDST)["unknown-version"] + plan.of_new_schema(MIDST)

    bodies = [orjson.loads(one.value) for one in refused.values()]
    in_time = [
        one for one in bodies if one["version"] == 2 and one["occurred_at"] >= now - MAX_LATENESS
    ]
    done = redrive.redrive(log, seen, now, Reason.VERSION)
    assert done.sent == len(in_time) > 5
    assert done.sent + sum(done.refused.values()) == len(refused)
    assert set(done.refused) == {"unknown-version", "too-late"}

    before = counters(store.Store(tmp_path / "stream.db"))
    results = run(log, tmp_path / "stream.db", current_scorer(trained))
    after = counters(results)
    added = {name: after[name] - before.get(name, 0) for name in after}
    assert added["predictions"] + added["duplicates"] == done.sent
    assert added["predictions"] > 5
    assert added["dead_letters"] == 0


def test_redriving_again_sends_nothing_twice(trained, tmp_path, monkeypatch):
    log = by_an_old_reader(monkeypatch, trained, tmp_path)
    seen = view.View(tmp_path / "stream.db")
    now = log.latest_arrival()
    first = redrive.redrive(log, seen, now)
    end = log.end()
    assert first.sent > 5
    assert redrive.redrive(log, seen, now).sent == 0
    assert log.end() == end
    left = {one.offset for one in redrive.pending(log, seen)}
    assert left.isdisjoint(log.redriven())


def test_kills_in_the_middle_of_redriving_double_nothing(trained, tmp_path, monkeypatch):
    log = broker.Log(tmp_path / "log.db")
    news = [new_schema_payment(n) for n in range(1, 1_001)]
    log.append(envelope(n)._replace(value=orjson.dumps(body)) for n, body in enumerate(news, 1))
    with monkeypatch.context() as before:
        before.setattr(runner, "read_event", partial(read_event, newest=1))
        run(log, tmp_path / "stream.db", current_scorer(trained)).close()
    environment = {
        **os.environ,
        "PORTFOLIO_PROJECT_DATA_DIR": str(tmp_path),
        "PORTFOLIO_PROJECT_CLOCK": "stream",
    }
    program = [sys.executable, "-m", "portfolio_project"]
    command = [*program, "dead-letters", "redrive"]
    chance = random.Random(3)
    for _ in range(2):
        pair = [subprocess.Popen(command, env=environment, cwd=tmp_path) for _ in range(2)]
        time.sleep(0.3 + chance.random())
        pair[0].send_signal(signal.SIGKILL)
        assert pair[0].wait() in {0, -signal.SIGKILL}
        assert pair[1].wait(30) == 0
    assert log.end() == 2_000
    results = run(log, tmp_path / "stream.db", current_scorer(trained))
    ids = [row[1] for row in contents(results, "predictions")]
    assert sorted(ids) == sorted(f"tx-{n}" for n in range(1, 1_001))


def test_what_would_be_refused_again_stays_where_it_is(trained, tmp_path):
    log = filled_log(tmp_path / "log.db", faulty_plan())
    log.append([envelope(1), envelope(1, card_id="other")])
    results = run(log, tmp_path / "stream.db", current_scorer(trained))
    end = log.end()
    done = redrive.redrive(log, view.View(tmp_path / "stream.db"), log.latest_arrival())
    still = dict(letters_by_reason(results))
    future = still["from-the-future"]
    assert log.end() == end + done.sent
    assert done.sent <= future
    assert done.refused["event-id-reused"] == still["event-id-reused"]
    assert done.refused["not-json"] == still["not-json"]
