"""What workers do to a message: the reducer, once by terminal and once by card, and their join.

A payment's features need the windows of its card and of its terminal, which live in different
partitions. So `features.step` sees each payment twice: beside its terminal with a card of the
terminal's own, and beside its card with a terminal that knows nothing; the features of the
terminal are taken from the first, all others from the second. Each partition holds its keys'
entries in the order of the log, so both are what one machine with the whole log would compute.

Stages are pure: stored bytes and a message in, bytes and messages out. An entry whose offset the
key has seen was processed before (the relay sent it again, or a worker took over): nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

import orjson

from ..broker import Record
from ..brokers import CARDS, OUTCOMES
from ..events import Label, Rejected, read_event
from ..features import FEATURE_NAMES, NEW_TERMINAL, State, step
from ..state import encode
from .kept import (
    AtCard,
    AtTerminal,
    Kept,
    Memory,
    pack_join,
    pack_latest,
    read_card,
    read_terminal,
    unpack,
)
from .wire import ASPECT, SEED, Kind, Outcome

_THEIRS = [name.startswith("terminal_") for name in FEATURE_NAMES]
_PLACES = range(len(FEATURE_NAMES))
_OWN_FIRST = sorted(_PLACES, key=_THEIRS.__getitem__)
_OWN = _THEIRS.count(False)
Values = Sequence[float]


def _picker(places: Sequence[int]) -> Callable[[Values], Values]:
    """What takes the values at these places, one or more."""
    return itemgetter(*places) if len(places) > 1 else lambda values: [values[places[0]]]


_of_card = _picker(_OWN_FIRST[:_OWN])
_of_terminal = _picker(_OWN_FIRST[_OWN:])
_in_order = _picker([_OWN_FIRST.index(place) for place in _PLACES])
_terminals = Memory(read_terminal)
_cards = Memory(read_card)


class Message(NamedTuple):
    """What a stage sends; it keeps the headers of what it answers, but for the topic's."""

    topic: str
    key: str
    value: bytes


Answer = tuple[bytes | None, list[Message]]
"""The state to store, None if it stays as it is, and what to send."""


def seed(stored: bytes | None, record: Record) -> Answer:
    """Take over the windows that were stored at the entry of the seed, unless newer ones exist."""
    if stored and unpack(stored).seen >= record.offset:
        return None, []
    return Kept(record.offset, record.value).pack(), []


def by_terminal(stored: bytes | None, record: Record) -> Answer:
    """A payment or a label beside its terminal: windows of the terminal, its share of features."""
    if record.topic == SEED:
        return seed(stored, record)
    kept = _terminals.take(stored)
    if record.offset <= kept.seen:
        return None, []
    event = read_event(record.topic, record.value, record.arrived_at)
    if isinstance(event, Rejected):
        # A refused payment is told of beside its card, where every payment comes by.
        return None, [_letter(record, event)] if record.topic == "labels" else []
    after, features = step(State(kept.latest, kept.terminal), event)
    messages: list[Message] = []
    latest = after.card
    if isinstance(event, Label):
        messages.append(_outcome(record, Kind.LABEL, []))
        latest = kept.latest
    elif features is not None:
        messages.append(Message(CARDS, event.card_id, orjson.dumps(_of_terminal(features))))
    packed = Kept(record.offset, encode(after.terminal), pack_latest(latest)).pack()
    _terminals.keep(packed, AtTerminal(record.offset, after.terminal, latest))
    return packed, messages


def by_card(stored: bytes | None, record: Record) -> Answer:
    """A payment beside its card, or its terminal's share: whichever is second completes it."""
    if record.topic == SEED:
        return seed(stored, record)
    kept = _cards.take(stored)
    if record.topic == ASPECT:
        return _share(kept, record)
    if record.offset <= kept.seen:
        return None, []
    event = read_event(record.topic, record.value, record.arrived_at)
    if isinstance(event, Rejected):
        return None, [_letter(record, event)]
    assert not isinstance(event, Label)
    after, features = step(State(kept.card, NEW_TERMINAL), event)
    place = str(record.offset)
    share = kept.join.shares.pop(place, None)
    messages: list[Message] = []
    if features is None:
        messages.append(_outcome(record, Kind.DUPLICATE, []))
    elif share is None:
        waiting = [record.arrived_at, record.value.decode(), _of_card(features)]
        kept.join.payments[place] = waiting
    else:
        messages.append(_outcome(record, Kind.FEATURES, _whole(_of_card(features), share)))
    return _keep(AtCard(record.offset, after.card, encode(after.card), kept.join)), messages


def _share(kept: AtCard, record: Record) -> Answer:
    place = str(record.offset)
    share: list[float] = orjson.loads(record.value)
    waiting = kept.join.payments.pop(place, None)
    if waiting is None:
        if record.offset <= kept.seen or place in kept.join.shares:
            return None, []  # joined before, or a payment that turned out to be a repetition
        kept.join.shares[place] = share
        return _keep(kept), []
    arrived_at, value, own = waiting
    answered = Record(record.offset, arrived_at, "transactions", value.encode())
    done = _outcome(answered, Kind.FEATURES, _whole(own, share))
    return _keep(kept), [done]


def _keep(kept: AtCard) -> bytes:
    packed = Kept(kept.seen, kept.windows, pack_join(kept.join)).pack()
    _cards.keep(packed, kept)
    return packed


def _whole(own: Values, share: Values) -> Values:
    return _in_order((*own, *share))


def _letter(record: Record, refused: Rejected) -> Message:
    return _outcome(record, Kind.LETTER, [refused.reason.value, refused.detail])


def _outcome(record: Record, kind: Kind, detail: Sequence[object]) -> Message:
    return Message(OUTCOMES, str(record.offset), Outcome(record, kind, [*detail]).encode())
