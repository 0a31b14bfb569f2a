"""What Kafka workers do to a message, without Kafka: order, repetition, and what cannot be read."""

import orjson
import pytest
from pipeline import START, envelope, faulty_plan, label, payment, replayed

from portfolio_project import broker, events
from portfolio_project.brokers import (
    CARDS,
    TERMINALS,
    BrokerError,
    broker_of,
)
from portfolio_project.kafka import kept, relay, stages, wire
from portfolio_project.settings import Settings

STAGES = {CARDS: stages.by_card, TERMINALS: stages.by_terminal}


class Keys:
    """Both stages with their state, as a worker has them for all keys, and all that they answer."""

    def __init__(self):
        self.kept = {}
        self.answers = []

    def take(self, record, *, only=(CARDS, TERMINALS)):
        """Hand an entry of the log to where the relay would send it."""
        for name, key in relay.destinations(record):
            if name in only:
                bytes_now, answers = STAGES[name](self.kept.get((name, key)), record)
                if bytes_now is not None:
                    self.kept[name, key] = bytes_now
                self.answers += [(record.offset, wire.decode_answer(one)) for one in answers]

    def features(self):
        """What is known of each payment, by the offset of its entry: both halves, or one."""
        found = {}
        for offset, (kind, detail) in sorted(self.answers, key=lambda one: (one[0], one[1].kind)):
            if kind in wire.HALVES:
                found[offset] = found.get(offset, ()) + detail
        return found


def records(plan=None):
    plan = plan or faulty_plan()
    return [broker.Record(n, *one) for n, one in enumerate(plan.envelopes(), start=1)]


def by_id(keys):
    ids = {one.offset: one.value for one in records()}
    return {orjson.loads(ids[offset])["event_id"]: row for offset, row in keys.features().items()}


def test_the_halves_of_a_payment_are_the_reducers_own_features():
    keys = Keys()
    for record in records():
        keys.take(record)
    assert by_id(keys) == replayed(faulty_plan())
    kinds = {}
    for offset, answer in keys.answers:
        kinds.setdefault(offset, []).append(answer.kind)
    assert sorted(kinds) == [record.offset for record in records()]
    assert all(len(said) == 1 or set(said) == wire.HALVES for said in kinds.values())


def test_a_stage_that_is_ahead_of_the_other_says_the_same():
    some = records()[:800]
    apart, together = Keys(), Keys()
    for record in some:
        apart.take(record, only=(TERMINALS,))
    for record in some:
        apart.take(record, only=(CARDS,))
        together.take(record)
    assert sorted(apart.answers) == sorted(together.answers)
    assert by_id(apart) == replayed(faulty_plan(), 800)


def test_what_the_relay_sends_again_changes_nothing_and_is_answered_once():
    once, twice = Keys(), Keys()
    some = records()[:900]
    for record in some:
        once.take(record)
        twice.take(record)
    for record in some[450:]:
        twice.take(record)
    assert twice.kept == once.kept
    known = [one for one in once.answers if one[1].kind is not wire.Kind.LETTER]
    assert [one for one in twice.answers if one[1].kind is not wire.Kind.LETTER] == known


def test_a_payment_that_is_delivered_again_moves_no_window():
    keys = Keys()
    _, topic, value = envelope()
    keys.take(broker.Record(1, START + 1, topic, value))
    before = {key: kept.unpack(data)[1:] for key, data in keys.kept.items()}
    keys.take(broker.Record(2, START + 60, topic, value))
    assert {key: kept.unpack(data)[1:] for key, data in keys.kept.items()} == before
    assert [answer.kind for offset, answer in keys.answers if offset == 2] == [wire.Kind.DUPLICATE]


def test_windows_of_a_seed_give_way_to_newer_ones():
    first = kept.pack(10, b"old")
    seed = broker.Record(10, 0, wire.SEED, b"new")
    assert stages.by_card(first, seed) == (None, ())
    assert stages.by_card(None, seed)[0] == kept.pack(10, b"new")
    assert stages.by_card(first, seed._replace(offset=11))[0] == kept.pack(11, b"new")


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
    keys.take(record)
    halves = len(where) == 2
    assert {answer.kind for _, answer in keys.answers} == (
        wire.HALVES if halves else {wire.Kind.LETTER}
    )


def test_a_label_is_answered_beside_its_terminal():
    keys = Keys()
    value = orjson.dumps(label())
    keys.take(broker.Record(1, START + events.DAY, "labels", value))
    assert [answer.kind for _, answer in keys.answers] == [wire.Kind.LABEL]


@pytest.mark.parametrize(
    "answer",
    [
        wire.Answer(wire.Kind.OF_CARD, tuple(0.1 * n for n in range(11))),
        wire.Answer(wire.Kind.OF_TERMINAL, (1 / 3,) * 8),
        wire.Answer(wire.Kind.DUPLICATE),
        wire.Answer(wire.Kind.LABEL),
        wire.Answer(wire.Kind.LETTER, ("breaks-contract", "amount_cents: é")),
    ],
)
def test_an_answer_survives_the_wire(answer):
    assert wire.decode_answer(wire.encode_answer(*answer)) == answer


def test_an_entry_survives_the_wire():
    assert wire.read_headers(list(wire.headers_of(7, "labels").items())) == (7, "labels")


@pytest.mark.parametrize("url", ["", "kafka", "kafka://", "http://x:1", "embedded://"])
def test_an_address_that_is_none_is_told_in_one_line(url):
    with pytest.raises(BrokerError, match="give kafka://HOST:PORT"):
        broker_of(Settings(broker_url=url))
