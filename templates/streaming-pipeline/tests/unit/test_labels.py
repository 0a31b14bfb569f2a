"""Point-in-time: nothing that was learnt after the cut-off reaches the training."""

import orjson
import pytest
from pipeline import START, envelope

from portfolio_project.broker import Envelope
from portfolio_project.events import DAY
from portfolio_project.labels import last_split, training_rows
from portfolio_project.labels import test_rows as rows_to_test
from portfolio_project.table import Table, replay

FIRST = START // DAY * DAY


def history(frauds: dict[int, int]) -> Table:
    """A payment each hour for 80 days; `frauds` gives the arrival of the label by hour."""
    events = [
        (hour_at(hour), 1, envelope(hour, occurred_at=hour_at(hour), card_id=f"c{hour % 50}"))
        for hour in range(80 * 24)
    ]
    for hour, arrived_at in frauds.items():
        body = {
            "version": 1,
            "event_id": f"tx-{hour}",
            "occurred_at": hour_at(hour),
            "terminal_id": "term-1",
            "fraud": True,
        }
        label = Envelope(arrived_at, "labels", orjson.dumps(body))
        events.append((arrived_at, 0, label))
    return replay(event for *_, event in sorted(events, key=lambda one: one[:2]))[0]


def hour_at(hour: int) -> int:
    return FIRST + hour * 3_600


def test_the_spans_are_where_the_protocol_has_them():
    split = last_split(history({}), train_days=7, test_days=7)
    end = FIRST + 80 * DAY
    assert split.known_at == end
    assert split.test_to == end - 7 * DAY
    assert split.cutoff == end - 14 * DAY
    assert split.train_to == end - 21 * DAY
    assert split.train_from == end - 28 * DAY


def test_training_uses_only_labels_that_had_arrived_by_the_cutoff():
    split = last_split(history({}), train_days=7, test_days=7)
    hour = (split.train_from - FIRST) // 3_600 + 5
    in_time = history({hour: split.cutoff})
    too_late = history({hour: split.cutoff + 1})
    assert training_rows(in_time, split)[1].sum() == 1
    assert training_rows(too_late, split)[1].sum() == 0


def test_training_and_test_rows_do_not_touch():
    rows = history({})
    split = last_split(rows, train_days=7, test_days=7)
    train, _ = training_rows(rows, split)
    test, _ = rows_to_test(rows, split)
    assert train.at.max() < split.train_to
    assert test.at.min() >= split.train_to + 7 * DAY
    assert len(train) == 7 * 24
    assert len(test) == 7 * 24


def test_cards_that_were_known_to_be_defrauded_are_not_tested():
    split = last_split(history({}), train_days=7, test_days=7)
    known = (split.train_from - FIRST) // 3_600
    later = (split.train_to + 2 * DAY - FIRST) // 3_600 + 7
    rows = history(
        {known: hour_at(known) + 7 * DAY, later: hour_at(later) + 7 * DAY},
    )
    test, _ = rows_to_test(rows, split)
    named = {int(card) for card in test.card}
    assert known % 50 not in named
    before = test.at[test.card == later % 50]
    assert len(before) > 0
    assert before.max() < split.cutoff + 3 * DAY


def test_a_short_history_is_refused_in_words():
    events = (envelope(hour, occurred_at=hour_at(hour)) for hour in range(24 * 10))
    with pytest.raises(ValueError, match="history is too short: training and testing need 28 days"):
        last_split(replay(events)[0], train_days=7, test_days=7)
