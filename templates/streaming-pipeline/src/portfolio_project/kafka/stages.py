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

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from ..broker import Record
from ..brokers import CARDS, OUTCOMES
from ..events import Label, Rejected, read_event
from ..features import FEATURE_NAMES, NEW_CARD, NEW_TERMINAL, Features, State, step
from ..state import decode_card, decode_terminal, encode
from .wire import ASPECT, SEED, Kind, Outcome

_OF_TERMINAL = tuple(name.startswith("terminal_") for name in FEATURE_NAMES)
_HEAD = struct.Struct("<QII")


class Message(NamedTuple):
    """What a stage sends; it keeps the headers of what it answers, but for the topic's."""

    topic: str
    key: str
    value: bytes


class Kept(NamedTuple):
    """One key's state between two messages."""

    seen: int
    """Offset of the last entry of the log that it has in it."""
    windows: bytes
    """Of a card or a terminal, as `state.encode` has them."""
    beside: bytes = b""
    """What else the stage keeps: a terminal's own card, a card's unfinished joins."""

    def pack(self) -> bytes:
        """As it is stored."""
        head = _HEAD.pack(self.seen, len(self.windows), len(self.beside))
        return head + self.windows + self.beside


def unpack(data: bytes | None) -> Kept:
    """Inverse of `Kept.pack`; a key that nothing is known of has seen nothing."""
    if not data:
        return Kept(0, b"")
    seen, first, second = _HEAD.unpack_from(data)
    start = _HEAD.size
    return Kept(seen, data[start : start + first], data[start + first : start + first + second])


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
    kept = unpack(stored)
    if record.offset <= kept.seen:
        return None, []
    event = read_event(record.topic, record.value, record.arrived_at)
    if isinstance(event, Rejected):
        # A refused payment is told of beside its card, where every payment comes by.
        return None, [_letter(record, event)] if record.topic == "labels" else []
    terminal = decode_terminal(kept.windows) if kept.windows else NEW_TERMINAL
    own = decode_card(kept.beside) if kept.beside else NEW_CARD
    after, features = step(State(own, terminal), event)
    messages: list[Message] = []
    if isinstance(event, Label):
        messages.append(_outcome(record, Kind.LABEL, []))
        after = State(own, after.terminal)
    elif features is not None:
        share = [value for value, ours in zip(features, _OF_TERMINAL, strict=True) if ours]
        messages.append(Message(CARDS, event.card_id, orjson.dumps(share)))
    own_windows = encode(after.card) if after.card.times else b""
    return Kept(record.offset, encode(after.terminal), own_windows).pack(), messages


class Join(NamedTuple):
    """A card's payments that wait for their terminals' shares, and shares that came first."""

    payments: dict[str, list[Any]]
    """By offset: the event's arrival, its JSON, and the features beside the card."""
    shares: dict[str, list[float]]


def by_card(stored: bytes | None, record: Record) -> Answer:
    """A payment beside its card, or its terminal's share: whichever is second completes it."""
    if record.topic == SEED:
        return seed(stored, record)
    kept = unpack(stored)
    join = Join(*orjson.loads(kept.beside)) if kept.beside else Join({}, {})
    if record.topic == ASPECT:
        return _share(kept, join, record)
    if record.offset <= kept.seen:
        return None, []
    event = read_event(record.topic, record.value, record.arrived_at)
    if isinstance(event, Rejected):
        return None, [_letter(record, event)]
    assert not isinstance(event, Label)
    card = decode_card(kept.windows) if kept.windows else NEW_CARD
    after, features = step(State(card, NEW_TERMINAL), event)
    place = str(record.offset)
    share = join.shares.pop(place, None)
    messages: list[Message] = []
    if features is None:
        messages.append(_outcome(record, Kind.DUPLICATE, []))
    elif share is None:
        join.payments[place] = [record.arrived_at, record.value.decode(), [*features]]
    else:
        messages.append(_outcome(record, Kind.FEATURES, _whole(features, share)))
    return Kept(record.offset, encode(after.card), _pack_join(join)).pack(), messages


def _share(kept: Kept, join: Join, record: Record) -> Answer:
    place = str(record.offset)
    share: list[float] = orjson.loads(record.value)
    waiting = join.payments.pop(place, None)
    if waiting is None:
        if record.offset <= kept.seen or place in join.shares:
            return None, []  # joined before, or a payment that turned out to be a repetition
        join.shares[place] = share
        return kept._replace(beside=_pack_join(join)).pack(), []
    arrived_at, value, features = waiting
    answered = Record(record.offset, arrived_at, "transactions", value.encode())
    done = _outcome(answered, Kind.FEATURES, _whole(features, share))
    return kept._replace(beside=_pack_join(join)).pack(), [done]


def _whole(features: Features | list[float], share: list[float]) -> list[float]:
    shares = iter(share)
    return [next(shares) if ours else own for own, ours in zip(features, _OF_TERMINAL, strict=True)]


def _pack_join(join: Join) -> bytes:
    return orjson.dumps([*join]) if join.payments or join.shares else b""


def _letter(record: Record, refused: Rejected) -> Message:
    return _outcome(record, Kind.LETTER, [refused.reason.value, refused.detail])


def _outcome(record: Record, kind: Kind, detail: Sequence[object]) -> Message:
    return Message(OUTCOMES, str(record.offset), Outcome(record, kind, [*detail]).encode())
