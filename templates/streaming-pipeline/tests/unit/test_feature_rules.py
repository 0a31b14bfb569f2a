"""What a feature may look at: time, amount, and which events share a card or a terminal."""

from dataclasses import replace

import numpy as np
import pytest
from pipeline import START, faulty_plan

from portfolio_project.events import (
    DAY,
    Label,
    Rejected,
    Transaction,
    read_event,
)
from portfolio_project.features import Features
from portfolio_project.state import KeyedState


@pytest.fixture(scope="module")
def events():
    found = [read_event(one.topic, one.value, one.arrived_at) for one in faulty_plan().envelopes()]
    return [event for event in found if not isinstance(event, Rejected)]


def fold(events, rename=lambda name: name):
    """Features of the stream when ids of cards, terminals and events are other ones."""
    windows = KeyedState()
    found = []
    for event in events:
        ids = {name: rename(getattr(event, name)) for name in ("event_id", "terminal_id")}
        if isinstance(event, Transaction):
            ids["card_id"] = rename(event.card_id)
        row = windows.apply(replace(event, **ids))
        if row is not None:
            found.append(row)
    return found


def test_no_feature_depends_on_how_a_card_or_a_terminal_is_called(events):
    assert fold(events, lambda name: name[::-1] + "x") == fold(events)


def test_no_feature_knows_a_label_before_it_arrives(events):
    """Labels that have not come yet change nothing: features of a prefix stay as they were."""
    half = len(events) // 2
    silent = [one for one in events[half:] if not isinstance(one, Label)]
    before = sum(isinstance(one, Transaction) for one in events[:half])
    whole, cut = fold(events), fold(events[:half] + silent)
    sure = len(fold(events[:half]))
    assert sure <= before
    assert whole[:sure] == cut[:sure]
    assert whole != cut


def test_every_feature_is_a_finite_number_of_a_known_size(events):
    rows = np.array(fold(events), dtype=np.float64)
    assert rows.shape[1] == len(Features._fields)
    assert np.isfinite(rows).all()
    assert (rows >= 0).all()
    shares = [name.startswith(("is_", "terminal_risk")) for name in Features._fields]
    assert rows[:, shares].max() <= 1
    assert rows[:, Features._fields.index("terminal_fraud_age")].max() <= (30 + 7 + 2)


def test_a_state_is_as_small_as_its_windows():
    """A card's memory is its payments of a month, whatever it did before."""
    windows = KeyedState()
    for number in range(2_000):
        at = START + number * DAY // 4
        payment = Transaction(
            version=1,
            event_id=f"tx-{number}",
            occurred_at=at,
            card_id="card-1",
            terminal_id="term-1",
            amount_cents=100,
        )
        windows.apply(payment)
    sizes = {row.kind: len(row.data) for row in windows.rows()}
    card = windows.cards["card-1"]
    assert card.end - card.first <= 4 * 33
    assert len(card.times) <= 2 * 4 * 33 + 20
    assert sizes["card"] < 3_000
    assert sizes["terminal"] < 1_000
