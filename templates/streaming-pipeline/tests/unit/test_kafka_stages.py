"""What Kafka workers do to a message, without Kafka: order, repetition, and what cannot be read."""

import orjson
import pytest
from pipeline import START, envelope, faulty_plan, label, payment, replayed

from portfolio_project import broker, events
from portfolio_project.brokers import (
    CARDS,
    OUTCOMES,
    TERMINALS,
    BrokerError,
    broker_of,
)
from portfolio_project.features import FEATURE_NAMES
from portfolio_project.kafka import kept, relay, stages, wire
from portfolio_project.settings import Settings

STAGES = {CARDS: stages.by_card, TERMINALS: stages.by_terminal}


class Keys:
    """Both stages with their state, as a worker has them for all keys."""

    def __init__(self):
        self.kept = {}
        self.outcomes = []

    def take(self, record, *, only=(CARDS, TERMINALS)):
        """Hand an entry of the log to where the relay would send it; returns the shares."""
        shares = []
        for name, key in relay.destinations(record):
            if name in only:
                shares += self.give(name, key, record)
        return shares

    def give(self, name, key, record):
        bytes_now, messages = STAGES[name](self.kept.get((name, key)), record)
        if bytes_now is not None:
            self.kept[name, key] = bytes_now
        self.outcomes += [
            wire.decode_outcome(one.value) for one in messages if one.topic == OUTCOMES
        ]
        return [
            (one.key, record._replace(topic=wire.ASPECT, value=one.value))
            for one in messages
            if one.topic == CARDS
        ]

    def share(self, shares):
        for key, record in shares:
            self.give(CARDS, key, record)


def records(plan=None):
    plan = plan or faulty_plan()
    return [broker.Record(n, *one) for n, one in enumerate(plan.envelopes(), start=1)]


def by_id(outcomes):
    return {
        orjson.loads(one.record.value)["event_id"]: tuple(one.detail)
        for one in outcomes
        if one.kind is wire.Kind.FEATURES
    }


def test_halves_that_meet_in_any_order_are_the_reducers_own_features():
    keys, waiting = Keys(), []
    for record in records():
        waiting += keys.take(record)
        if record.offset % 37 == 0:  # terminals fall behind, and catch up in another order
            keys.share(reversed(waiting))
            waiting.clear()
    keys.share(waiting)
    assert by_id(keys.outcomes) == replayed(faulty_plan())
    assert sorted(one.record.offset for one in keys.outcomes) == [r.offset for r in records()]


def test_a_terminal_that_is_ahead_of_the_card_waits_for_it():
    keys = Keys()
    some = records()[:800]
    shares = [share for record in some for share in keys.take(record, only=(TERMINALS,))]
    keys.share(shares)
    assert not by_id(keys.outcomes)
    for record in some:
        keys.take(record, only=(CARDS,))
    assert by_id(keys.outcomes) == replayed(faulty_plan(), 800)


def test_what_the_relay_sends_again_changes_nothing_and_is_answered_once():
    once, twice = Keys(), Keys()
    some = records()[:900]
    for record in some:
        once.share(once.take(record))
        twice.share(twice.take(record))
    for record in some[450:]:
        twice.share(twice.take(record))
    assert twice.kept == once.kept
    assert by_id(twice.outcomes) == by_id(once.outcomes)
    repeated = [one for one in twice.outcomes if one.kind is not wire.Kind.LETTER]
    assert len(repeated) == len([one for one in once.outcomes if one.kind is not wire.Kind.LETTER])


def test_a_repeated_share_is_dropped():
    keys = Keys()
    shares = keys.take(records()[0]) or keys.take(records()[1])
    keys.share(shares)
    answered = len(keys.outcomes)
    before = dict(keys.kept)
    keys.share(shares)
    assert len(keys.outcomes) == answered
    assert keys.kept == before


def test_windows_of_a_seed_give_way_to_newer_ones():
    first = kept.Kept(10, b"old").pack()
    seed = broker.Record(10, 0, wire.SEED, b"new")
    assert stages.by_card(first, seed) == (None, [])
    assert stages.by_card(None, seed)[0] == kept.Kept(10, b"new").pack()
    assert stages.by_card(first, seed._replace(offset=11))[0] == kept.Kept(11, b"new").pack()


@pytest.mark.parametrize(
    ("topic", "value", "where"),
    [
        ("transactions", b"{", [(CARDS, "-")]),
        ("transactions", b"[1]", [(CARDS, "-")]),
        ("transactions", orjson.dumps(payment(card_id=7)), [(CARDS, "-")]),
        ("transactions", orjson.dumps({"card_id": "c"}), [(CARDS, "c")]),
        ("transactions", orjson.dumps(payment()), [(CARDS, "card-1"), (TERMINALS, "term-1")]),
        ("labels", b"nonsense", [(TERMINALS, "-")]),
        ("unheard-of", b"{}", [(CARDS, "-")]),
    ],
)
def test_every_entry_goes_where_it_is_needed_and_is_answered_once(topic, value, where):
    record = broker.Record(1, START + 1, topic, value)
    assert relay.destinations(record) == where
    keys = Keys()
    keys.share(keys.take(record))
    assert len(keys.outcomes) == 1


def test_a_label_is_answered_beside_its_terminal():
    keys = Keys()
    value = orjson.dumps(label())
    keys.take(broker.Record(1, START + events.DAY, "labels", value))
    assert [one.kind for one in keys.outcomes] == [wire.Kind.LABEL]


def test_an_outcome_survives_the_wire():
    arrived_at, topic, value = envelope()
    record = broker.Record(7, arrived_at, topic, value)
    outcome = wire.Outcome(record, wire.Kind.FEATURES, [0.1] * len(FEATURE_NAMES))
    assert wire.decode_outcome(outcome.encode()) == outcome


@pytest.mark.parametrize("url", ["", "kafka", "kafka://", "http://x:1", "embedded://"])
def test_an_address_that_is_none_is_told_in_one_line(url):
    with pytest.raises(BrokerError, match="give kafka://HOST:PORT"):
        broker_of(Settings(broker_url=url))
