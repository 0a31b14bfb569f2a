"""The reducer against a definition that anybody can check: count and add up what is in a window."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import START, label, transaction

from portfolio_project.events import DAY, MAX_LATENESS, Label, Transaction
from portfolio_project.features import (
    FEATURE_NAMES,
    LABEL_DELAY,
    NEW_CARD,
    NEW_TERMINAL,
    Features,
    State,
    step,
)
from portfolio_project.state import (
    KeyedState,
    decode_card,
    decode_terminal,
    encode,
)


def by_hand(history: list[Transaction | Label], event: Transaction) -> Features:
    """Features from the whole history, by going through all of it."""
    at = event.occurred_at
    payments = [one for one in history if isinstance(one, Transaction)]
    frauds: dict[str, bool] = {}
    for one in history:
        if isinstance(one, Label):
            frauds[one.event_id] = one.fraud
    values: dict[str, float] = {"amount": event.amount_cents / 100}
    moment = datetime.fromtimestamp(at, tz=UTC)
    values["is_weekend"] = float(moment.weekday() >= 5)
    values["is_night"] = float(moment.hour <= 6)
    for days in (1, 7, 30):
        window = [
            one.amount_cents
            for one in payments
            if one.card_id == event.card_id and at - days * DAY < one.occurred_at <= at
        ]
        values[f"card_count_{days}d"] = float(len(window))
        values[f"card_mean_amount_{days}d"] = sum(window) / (100 * len(window))
        until = at - LABEL_DELAY
        judged = [
            frauds.get(one.event_id, False)
            for one in payments
            if one.terminal_id == event.terminal_id
            and until - days * DAY < one.occurred_at <= until
        ]
        values[f"terminal_count_{days}d"] = float(len(judged))
        values[f"terminal_risk_{days}d"] = sum(judged) / len(judged) if judged else 0.0
    values |= habits_by_hand(payments, event) | reports_by_hand(payments, frauds, event)
    return Features(*(values[name] for name in FEATURE_NAMES))


def habits_by_hand(payments: list[Transaction], event: Transaction) -> dict[str, float]:
    """The payment, and the largest of the week, beside the mean of the card's earlier ones."""
    at = event.occurred_at
    earlier = [
        one
        for one in payments
        if one.card_id == event.card_id and at - 30 * DAY < one.occurred_at <= at and one != event
    ]
    if not earlier:
        return {"card_amount_to_habit": 1.0, "card_top_to_habit_7d": 0.0}
    habit = sum(one.amount_cents for one in earlier) / len(earlier) or 1.0
    week = [one.amount_cents for one in earlier if at - 7 * DAY < one.occurred_at]
    return {
        "card_amount_to_habit": event.amount_cents / habit,
        "card_top_to_habit_7d": max(week, default=0) / habit,
    }


def reports_by_hand(
    payments: list[Transaction], frauds: dict[str, bool], event: Transaction
) -> dict[str, float]:
    """The last three judged payments of the terminal, and how long it has been reported."""
    until = event.occurred_at - LABEL_DELAY
    month = sorted(
        (one.occurred_at, frauds.get(one.event_id, False))
        for one in payments
        if one.terminal_id == event.terminal_id and until - 30 * DAY < one.occurred_at <= until
    )
    reported = [at for at, fraud in month if fraud]
    since = month[-3:][0][0] if month else 0
    recent = sum(at >= since for at in reported)
    return {
        "terminal_risk_3": min(1.0, recent / len(month[-3:])) if month else 0.0,
        "terminal_fraud_age": (event.occurred_at - reported[0]) / DAY if reported else 0.0,
    }


DECODERS = decode_card, decode_terminal


def written(state: State) -> list[bytes]:
    """A state as it is stored."""
    return [encode(one) for one in state]


@st.composite
def histories(draw: st.DrawFn) -> list[Transaction | Label]:
    """Payments over 60 days, late and out of order, with labels that come when they come."""
    clock = START
    events: list[Transaction | Label] = []
    for number in range(draw(st.integers(1, 40))):
        clock += draw(st.sampled_from([0, 1, 3_600, 20_000, DAY - 1, DAY, 3 * DAY, 8 * DAY]))
        late = draw(st.sampled_from([0, 0, 0, 1, 7_200, MAX_LATENESS]))
        events.append(
            transaction(
                number,
                occurred_at=clock - late,
                card_id=draw(st.sampled_from(["c1", "c2"])),
                terminal_id=draw(st.sampled_from(["t1", "t2"])),
                amount_cents=draw(st.integers(0, 100_000_000)),
            )
        )
        if draw(st.booleans()):
            told = draw(st.sampled_from([one for one in events if isinstance(one, Transaction)]))
            events.append(
                Label(
                    version=1,
                    event_id=told.event_id,
                    occurred_at=told.occurred_at,
                    terminal_id=told.terminal_id,
                    fraud=draw(st.booleans()),
                )
            )
    return events


@given(histories())
@settings(max_examples=60)
def test_every_feature_is_what_counting_by_hand_gives(events):
    windows = KeyedState()
    for number, event in enumerate(events):
        features = windows.apply(event)
        if isinstance(event, Transaction):
            assert features == by_hand(events[: number + 1], event)


@given(histories())
@settings(max_examples=15)
def test_saving_and_loading_changes_nothing(events):
    windows = KeyedState()
    for event in events:
        windows.apply(event)
        loaded = KeyedState(windows.rows())
        assert loaded.rows() == windows.rows()
        windows = loaded


def test_a_payment_is_in_its_own_windows_and_a_window_is_open_on_its_far_side():
    windows = KeyedState()
    windows.apply(transaction(1, occurred_at=START, amount_cents=100))
    at_edge = windows.apply(transaction(2, occurred_at=START + DAY, amount_cents=300))
    assert at_edge.card_count_1d == 1
    assert at_edge.card_mean_amount_1d == 3
    assert at_edge.card_count_7d == 2
    assert at_edge.card_mean_amount_7d == 2


def test_a_terminals_risk_waits_for_the_delay():
    windows = KeyedState()
    windows.apply(transaction(1, occurred_at=START))
    windows.apply(label(1, occurred_at=START))
    early = windows.apply(transaction(2, occurred_at=START + LABEL_DELAY - 1, card_id="c2"))
    due = windows.apply(transaction(3, occurred_at=START + LABEL_DELAY, card_id="c2"))
    assert (early.terminal_count_1d, early.terminal_risk_1d) == (0, 0)
    assert (due.terminal_count_1d, due.terminal_risk_1d) == (1, 1)


def test_a_report_that_is_taken_back_counts_no_more():
    windows = KeyedState()
    windows.apply(transaction(1, occurred_at=START))
    windows.apply(label(1, occurred_at=START))
    windows.apply(label(1, occurred_at=START))
    windows.apply(label(1, occurred_at=START, fraud=False))
    later = windows.apply(transaction(2, occurred_at=START + LABEL_DELAY))
    assert later.terminal_risk_1d == 0


@given(histories(), st.data())
@settings(max_examples=40)
def test_a_state_says_the_same_however_often_it_is_advanced(events, data):
    """Successors share a state's arrays: whichever of them came first, none may tell."""
    states = [State(NEW_CARD, NEW_TERMINAL)]
    kept = [written(states[0])]
    for event in events:
        before = states[data.draw(st.integers(max(0, len(states) - 4), len(states) - 1))]
        fresh = State(*(decode(encode(one)) for decode, one in zip(DECODERS, before, strict=True)))
        after, features = step(before, event)
        again, same = step(fresh, event)
        assert features == same
        assert written(after) == written(again)
        states.append(after)
        kept.append(written(after))
    assert [written(state) for state in states] == kept


def test_a_repeated_delivery_changes_nothing():
    windows = KeyedState()
    windows.apply(transaction(1))
    before = windows.rows()
    assert windows.apply(transaction(1)) is None
    assert windows.rows() == before


def test_a_late_event_sees_its_own_moment_and_counts_for_later_ones():
    windows = KeyedState()
    windows.apply(transaction(1, occurred_at=START, amount_cents=100))
    windows.apply(transaction(2, occurred_at=START + 7_200, amount_cents=900))
    late = windows.apply(transaction(3, occurred_at=START + 3_600, amount_cents=300))
    after = windows.apply(transaction(4, occurred_at=START + 7_300, amount_cents=700))
    assert (late.card_count_1d, late.card_mean_amount_1d) == (2, 2)
    assert (after.card_count_1d, after.card_mean_amount_1d) == (4, 5)


def test_state_is_bounded_by_its_windows():
    windows = KeyedState()
    sizes = []
    for number in range(4_000):
        windows.apply(transaction(number, occurred_at=START + number * 3_600))
        sizes.append(sum(len(row.data) for row in windows.rows()))
    assert max(sizes[2_000:]) <= max(sizes[:2_000]) * 1.02


def test_idle_entities_are_dropped_and_no_feature_can_tell():
    kept, swept = KeyedState(), KeyedState()
    for windows in (kept, swept):
        windows.apply(transaction(1, occurred_at=START))
        windows.apply(label(1, occurred_at=START))
    now = START + 50 * DAY
    assert swept.forget_idle(now) == 2
    assert swept.forget_idle(now) == 0
    assert [row.data for row in swept.changes()] == [None, None]
    event = transaction(2, occurred_at=now)
    assert kept.apply(event) == swept.apply(event)


def test_what_is_still_in_a_window_is_not_dropped():
    windows = KeyedState()
    windows.apply(transaction(1, occurred_at=START))
    assert windows.forget_idle(START + 38 * DAY) == 0


@pytest.mark.parametrize(
    ("at", "weekend", "night"),
    [
        (datetime(2018, 4, 6, 23, 59, 59, tzinfo=UTC), 0, 0),
        (datetime(2018, 4, 7, 0, 0, 0, tzinfo=UTC), 1, 1),
        (datetime(2018, 4, 8, 6, 59, 59, tzinfo=UTC), 1, 1),
        (datetime(2018, 4, 8, 7, 0, 0, tzinfo=UTC), 1, 0),
        (datetime(2018, 4, 9, 0, 0, 0, tzinfo=UTC), 0, 1),
    ],
)
def test_weekends_and_nights_are_those_of_the_calendar(at, weekend, night):
    features = KeyedState().apply(transaction(1, occurred_at=int(at.timestamp())))
    assert (features.is_weekend, features.is_night) == (weekend, night)


def test_a_damaged_row_is_not_taken_for_a_state():
    windows = KeyedState()
    windows.apply(transaction(1))
    data = encode(windows.cards["card-1"])
    assert decode_card(data) == windows.cards["card-1"]
    for torn in (data[:-1], data[:-4], data + b"x", b"", b"[1,1,[]]"):
        with pytest.raises(ValueError, match="damaged"):
            decode_card(torn)
    with pytest.raises(ValueError, match="damaged"):
        decode_terminal(b"[3,[]]\n")
