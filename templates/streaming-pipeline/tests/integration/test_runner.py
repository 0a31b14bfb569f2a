"""The stream processor on the real log and store: exact counts, whatever the batch size."""

import numpy as np
import pytest
from pipeline import (
    START,
    contents,
    counters,
    current_scorer,
    envelope,
    faulty_plan,
    filled_log,
    letters_by_reason,
    replayed,
    run,
)

from portfolio_project import broker, generator, runner, store
from portfolio_project.features import Features

TABLES = ("predictions", "labels", "dead_letters", "counters", "progress")


def test_every_event_of_the_ledger_ends_where_it_must(trained, tmp_path):
    plan = faulty_plan()
    results = run(filled_log(tmp_path / "log.db", plan), tmp_path / "s.db", current_scorer(trained))
    ledger, counted = plan.ledger(), counters(results)
    assert counted["predictions"] == sum(ledger[kind.value] for kind in generator.SCORED)
    assert counted["late"] == ledger["late"]
    assert counted["duplicates"] == ledger["duplicate"]
    assert counted["labels"] == ledger["label"]
    refused = {kind.value: ledger[kind.value] for kind in generator.REFUSED}
    assert letters_by_reason(results) == refused
    assert counted["dead_letters"] == sum(refused.values())
    assert results.position().offset == len(plan)


def test_batch_size_changes_no_byte(trained, tmp_path):
    log = filled_log(tmp_path / "log.db", faulty_plan())
    model = current_scorer(trained)
    found = {
        size: run(log, tmp_path / f"{size}.db", model, batch=size) for size in (1, 50, 500, 10_000)
    }
    for table in TABLES:
        expected = contents(found[500], table)
        assert expected
        for results in found.values():
            assert contents(results, table) == expected


def test_the_runner_computes_what_training_computes(trained, tmp_path):
    plan = faulty_plan()
    results = run(filled_log(tmp_path / "log.db", plan), tmp_path / "s.db", current_scorer(trained))
    offline = replayed(plan)
    rows = results._db.execute("SELECT event_id, features FROM predictions").fetchall()
    assert len(rows) == len(offline) > 1_000
    for event_id, packed in rows:
        assert np.array([offline[event_id]], np.float32).tobytes() == packed


def test_scores_are_the_models_own(trained, tmp_path):
    model = current_scorer(trained)
    results = run(filled_log(tmp_path / "log.db", faulty_plan()), tmp_path / "s.db", model)
    rows = results._db.execute("SELECT features, score, alert FROM predictions").fetchall()
    for packed, score, alert in rows[::50]:
        matrix = np.frombuffer(packed, np.float32).reshape(1, len(Features._fields))
        assert float(model.score(matrix)[0]) == score
        assert alert == (score >= model.threshold)
    assert 0 < sum(row[2] for row in rows) < len(rows)


@pytest.mark.parametrize("stops", [[1, 2, 3], [499, 500, 501], [1_234, 2_345]])
def test_a_new_runner_goes_on_as_if_nothing_had_happened(trained, tmp_path, stops, monkeypatch):
    monkeypatch.setattr(runner, "CHECKPOINT_EVENTS", 700)
    log = filled_log(tmp_path / "log.db", faulty_plan())
    model = current_scorer(trained)
    whole = run(log, tmp_path / "whole.db", model)
    parts = store.Store(tmp_path / "parts.db")
    for stop in stops:
        current = runner.Runner(log, parts, lambda: model)
        while current.offset < stop:
            current.run_once(min(100, stop - current.offset))
    runner.Runner(log, parts, lambda: model).drain()
    for table in ("predictions", "labels", "dead_letters", "counters"):
        assert contents(parts, table) == contents(whole, table)


def test_a_reused_id_is_refused_and_moves_no_window(trained, tmp_path):
    log = broker.Log(tmp_path / "log.db")
    log.append([envelope(1), envelope(1, amount_cents=999, occurred_at=START + 50)])
    log.append([envelope(1, card_id="other"), envelope(2)])
    results = run(log, tmp_path / "s.db", current_scorer(trained), batch=3)
    assert letters_by_reason(results) == {"event-id-reused": 2}
    rows = results._db.execute("SELECT event_id, features FROM predictions").fetchall()
    assert [row[0] for row in rows] == ["tx-1", "tx-2"]
    second = Features(*np.frombuffer(rows[1][1], np.float32).tolist())
    assert second.card_count_1d == 2


def test_a_stream_can_start_from_the_state_at_the_end_of_history(trained, tmp_path):
    plan = faulty_plan()
    half = len(plan) // 2
    events = list(plan.envelopes())
    model = current_scorer(trained)
    whole_log = filled_log(tmp_path / "whole.db", plan)
    whole = run(whole_log, tmp_path / "whole-s.db", model)
    first_log, second_log = broker.Log(tmp_path / "1.db"), broker.Log(tmp_path / "2.db")
    first_log.append(events[:half])
    second_log.append(events[half:])
    history = run(first_log, tmp_path / "1-s.db", model)
    results = store.Store(tmp_path / "2-s.db")
    results.bootstrap(history.state())
    runner.Runner(second_log, results, lambda: model).drain()
    query = "SELECT event_id, score, features FROM predictions WHERE offset > ? ORDER BY offset"
    expected = whole._db.execute(query, (half,)).fetchall()
    assert results._db.execute(query, (0,)).fetchall() == expected
    with pytest.raises(ValueError, match="the stream has begun"):
        results.bootstrap([])
