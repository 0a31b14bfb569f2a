"""What Kafka workers do to a message, without Kafka: order, repetition, and what cannot be read."""

from unittest.mock import ANY

import orjson
import pytest
from pipeline import START, envelope, faulty_plan, label, payment, replayed, transaction

from portfolio_project import broker, events, state
from portfolio_project.brokers import (
    CARDS,
    TERMINALS,
    BrokerError,
    broker_of,
)
from portfolio_project.features import FEATURE_NAMES, NEW_CARD
from portfolio_project.kafka import kept, router, stages, wire
from portfolio_project.settings import Settings

REUSED = ("event-id-reused", "another transaction had this event_id before")
STAGES = {CARDS: stages.by_card, TERMINALS: stages.by_terminal}


def nobody(_ids):
    """A store that has no payment."""
    return {}


class Keys:
    """Both stages with their state, as a worker has them for all keys, and all that they answer."""

    def __init__(self):
        self.kept = {}
        self.answers = []
        self.router = router.Router(nobody)

    def take(self, record, *, only=(CARDS, TERMINALS)):
        """Hand an entry of the log to where the relay would send it."""
        self.hand_out(self.router.route([record]), only=only)

    def hand_out(self, routed, *, only=(CARDS, TERMINALS)):
        """Hand messages to their stages."""
        for name, key, record in routed:
            if name in only:
                bytes_now, answers = STAGES[name](self.kept.get((name, key)), record)
                if bytes_now is not None:
                    self.kept[name, key] = bytes_now
                self.answers += [(record.offset, wire.decode_answer(one)) for one in answers]

    def meanings(self):
        """What is kept of each key, but for the entry that was the last."""
        read = {CARDS: kept.read_card, TERMINALS: kept.read_terminal}
        return {key: read[key[0]](data)[1:] for key, data in self.kept.items()}

    def said_of(self, offset):
        """All answers to an entry."""
        return [(one.kind, one.detail) for number, one in self.answers if number == offset]

    def features(self):
        """What is known of each payment, by the offset of its entry: both halves, or one."""
        found = {}
        for offset, (kind, detail) in sorted(self.answers, key=lambda one: (one[0], one[1].kind)):
            if kind in wire.HALVES:
                found[offset] = found.get(offset, ()) + detail
        return found


def moves(answer):
    """Whether an answer is of an entry that is remembered beside its key."""
    return answer[1].kind not in {wire.Kind.LETTER, wire.Kind.DUPLICATE}


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
    routed = apart.router.route(some)
    apart.hand_out(routed, only=(TERMINALS,))
    apart.hand_out(routed, only=(CARDS,))
    together.hand_out(routed)
    assert sorted(apart.answers) == sorted(together.answers)
    assert by_id(apart) == replayed(faulty_plan(), 800)


def test_what_the_relay_sends_again_changes_nothing_and_is_answered_once():
    once, twice = Keys(), Keys()
    routed = once.router.route(records()[:900])
    for keys in (once, twice):
        keys.hand_out(routed)
    twice.hand_out(routed[len(routed) // 2 :])
    assert twice.kept == once.kept
    assert [one for one in twice.answers if moves(one)] == [
        one for one in once.answers if moves(one)
    ]


def test_a_payment_that_is_delivered_again_moves_no_window():
    keys = Keys()
    _, topic, value = envelope()
    keys.take(broker.Record(1, START + 1, topic, value))
    before = keys.meanings()
    keys.take(broker.Record(2, START + 60, topic, value))
    assert keys.meanings() == before
    assert keys.said_of(2) == [(wire.Kind.DUPLICATE, ())]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"terminal_id": "another"}, (wire.Kind.DUPLICATE, ())),
        ({"card_id": "another"}, (wire.Kind.LETTER, REUSED)),
        ({"occurred_at": START + 2}, (wire.Kind.LETTER, REUSED)),
        ({"amount_cents": -1}, (wire.Kind.LETTER, ANY)),
    ],
)
def test_a_payment_under_an_id_that_was_taken_moves_no_window(changes, said):
    keys = Keys()
    keys.take(broker.Record(1, *envelope()))
    before = dict(keys.kept)
    again = broker.Record(2, START + 60, "transactions", orjson.dumps(payment(**changes)))
    keys.take(again)
    assert keys.kept == before
    assert keys.said_of(2) == [said]


def test_an_id_is_free_while_the_payment_that_named_it_was_refused():
    keys = Keys()
    early = broker.Record(1, START - events.DAY, *envelope()[1:])
    keys.take(early)
    for offset in (2, 3):
        keys.take(broker.Record(offset, *envelope()))
    assert [len(keys.said_of(offset)) for offset in (1, 2, 3)] == [1, 2, 1]
    assert keys.said_of(3) == [(wire.Kind.DUPLICATE, ())]


def test_an_id_stays_taken_when_its_payment_has_come_into_the_store():
    stored = {}
    keys = Keys()
    keys.router = router.Router(lambda ids: {one: stored[one] for one in ids if one in stored})
    first = broker.Record(1, *envelope())
    keys.take(first)
    stored["tx-1"] = 1
    keys.router.forget(1)
    keys.take(first)
    assert len(keys.said_of(1)) == 2, "the entry itself, sent once more, is no repeated delivery"
    keys.take(broker.Record(2, *envelope(terminal_id="another")))
    assert keys.said_of(2) == [(wire.Kind.DUPLICATE, ())]


def test_a_payment_of_history_that_comes_again_is_known_by_its_card_and_time():
    history = state.KeyedState()
    history.apply(transaction(1))
    history.apply(transaction(2, card_id="card-2"))
    before = router.payments_before(
        history.rows(), lambda ids: {"tx-2": 9} if "tx-2" in ids else {}
    )
    assert before == {("card-1", f"{START + 1} tx-1")}
    found = router.Router(nobody, before)
    again, other = envelope(1), envelope(1, card_id="card-2")
    sent = found.route([broker.Record(1, *again), broker.Record(2, *other)])
    assert [(name, one.topic) for name, _, one in sent] == [
        (CARDS, wire.AGAIN),
        (CARDS, "transactions"),
        (TERMINALS, "transactions"),
    ]


def test_windows_of_a_seed_give_way_to_newer_ones():
    first = kept.pack_card(10, NEW_CARD)
    seed = broker.Record(10, 0, wire.SEED, b"new")
    assert stages.by_card(first, seed) == (None, ())
    assert stages.by_card(None, seed) == (b"new", ())
    assert stages.by_card(first, seed._replace(offset=11)) == (b"new", ())


def test_what_is_kept_of_a_key_survives_its_bytes():
    keys = Keys()
    some = records()
    for record in some:
        keys.take(record)
    read = {CARDS: kept.read_card, TERMINALS: kept.read_terminal}
    for (name, key), data in keys.kept.items():
        meaning = read[name](data)
        again = kept.pack_card(*meaning) if name == CARDS else kept.pack_terminal(*meaning)
        assert again == data, key
    windows = state.KeyedState()
    for record in some:
        event = events.read_event(record.topic, record.value, record.arrived_at)
        if not isinstance(event, events.Rejected):
            windows.apply(event)
    cards = {key: kept.read_card(keys.kept[CARDS, key]).card for key in windows.cards}
    terminals = {
        key: kept.read_terminal(keys.kept[TERMINALS, key]).terminal for key in windows.terminals
    }
    assert {key: state.encode(one) for key, one in cards.items()} == {
        key: state.encode(one) for key, one in windows.cards.items()
    }
    assert {key: state.encode(one) for key, one in terminals.items()} == {
        key: state.encode(one) for key, one in windows.terminals.items()
    }


def test_a_worker_that_knows_no_bytes_goes_on_where_another_stopped():
    steady, moved = Keys(), Keys()
    routed = steady.router.route(records())
    steady.hand_out(routed)
    for number, one in enumerate(routed):
        if number % 50 == 0:
            stages._cards._known.clear()
            stages._terminals._known.clear()
        moved.hand_out([one])
    assert moved.kept == steady.kept
    assert moved.answers == steady.answers


def test_a_stage_does_not_take_windows_for_others_of_the_same_entry():
    """Bytes that were restored differ from those that this worker wrote for the same entry."""
    keys, _ = Keys(), stages._cards._known.clear()
    for offset in (1, 2):
        keys.take(broker.Record(offset, *envelope(offset)), only=(CARDS,))
    (stored,) = keys.kept.values()
    other = kept.pack_card(kept.seen_of(stored), NEW_CARD)
    _, (answer,) = stages.by_card(other, broker.Record(3, *envelope(3)))
    assert wire.decode_answer(answer).detail[FEATURE_NAMES.index("card_count_30d")] == 1


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
    keys = Keys()
    assert [(name, key) for name, key, _ in keys.router.route([record])] == where
    keys.router.forget(1)
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
    ("encoded", "answer"),
    [
        (wire.encode_of_card((0.1,) * 11), wire.Answer(wire.Kind.OF_CARD, (0.1,) * 11)),
        (wire.encode_of_terminal((1 / 3,) * 8), wire.Answer(wire.Kind.OF_TERMINAL, (1 / 3,) * 8)),
        (wire.encode_answer(wire.Kind.DUPLICATE), wire.Answer(wire.Kind.DUPLICATE)),
        (wire.encode_answer(wire.Kind.LABEL), wire.Answer(wire.Kind.LABEL)),
        (
            wire.encode_answer(wire.Kind.LETTER, ("breaks-contract", "amount_cents: é")),
            wire.Answer(wire.Kind.LETTER, ("breaks-contract", "amount_cents: é")),
        ),
    ],
)
def test_an_answer_survives_the_wire(encoded, answer):
    assert wire.decode_answer(encoded) == answer


def test_an_entry_survives_the_wire():
    assert wire.read_headers(list(wire.headers_of(7, "labels").items())) == (7, "labels")


@pytest.mark.parametrize("url", ["", "kafka", "kafka://", "http://x:1", "embedded://"])
def test_an_address_that_is_none_is_told_in_one_line(url):
    with pytest.raises(BrokerError, match="give kafka://HOST:PORT"):
        broker_of(Settings(broker_url=url))
