"""What workers do to a message: the reducer's half beside the card, or the one beside the terminal.

A payment's features need the windows of its card and of its terminal, which live in different
partitions. So each payment comes twice, and each stage gives the half of its features that follows
from what it keeps; the sink, which has the order of the log to restore in any case, puts the halves
together. Each partition holds its keys' entries in the order of the log, so both are what one
machine with the whole log would compute. A payment under an id that was taken before comes to its
card alone.

Stages are pure: stored bytes and a message in, bytes and answers out. An entry whose offset the
key has seen was processed before (the relay sent it again, or a worker took over): nothing is done.
"""

from __future__ import annotations

from ..broker import Record
from ..events import REUSED, Label, Rejected, Topic, read_event
from ..features import Card, judge, pay, visit, was_paid
from .kept import (
    AtCard,
    AtTerminal,
    Memory,
    pack_card,
    pack_terminal,
    read_card,
    read_terminal,
    seen_of,
)
from .wire import AGAIN, SEED, Kind, encode_answer, encode_of_card, encode_of_terminal

_terminals = Memory(read_terminal)
_cards = Memory(read_card)
_new = tuple.__new__  # for each message, and a named tuple's own call takes longer

Answered = tuple[bytes | None, tuple[bytes, ...]]
"""The state to store, None if it stays as it is, and the answers, encoded."""


def seed(stored: bytes | None, record: Record) -> Answered:
    """Take over the state as of the entry of the seed, unless there is a newer one."""
    if stored and seen_of(stored) >= record.offset:
        return None, ()
    return record.value, ()


def by_terminal(stored: bytes | None, record: Record) -> Answered:
    """A payment or a label beside its terminal: windows of the terminal, its half of features."""
    if record.topic == SEED:
        return seed(stored, record)
    seen, terminal = _terminals.take(stored)
    if record.offset <= seen:
        return None, ()
    event = read_event(record.topic, record.value, record.arrived_at)
    if isinstance(event, Rejected):
        # A refused payment is told of beside its card, where every payment comes by.
        return None, _letter(event) if record.topic == "labels" else ()
    if isinstance(event, Label):
        terminal = judge(terminal, event)
        answers: tuple[bytes, ...] = _LABEL
    else:
        terminal, theirs = visit(terminal, event.occurred_at)
        answers = (encode_of_terminal(theirs),)
    packed = pack_terminal(record.offset, terminal)
    _terminals.keep(packed, _new(AtTerminal, (record.offset, terminal)))
    return packed, answers


def by_card(stored: bytes | None, record: Record) -> Answered:
    """A payment beside its card: windows of the card, and all features that are not a terminal's.

    What cannot be taken is told of here, a repeated delivery too.
    """
    if record.topic == SEED:
        return seed(stored, record)
    seen, card = _cards.take(stored)
    if record.offset <= seen:
        return None, ()
    if record.topic == AGAIN:
        return None, _again(card, record)
    event = read_event(record.topic, record.value, record.arrived_at)
    if isinstance(event, Rejected):
        return None, _letter(event)
    assert not isinstance(event, Label)
    paid = pay(card, event.occurred_at, event.amount_cents, event.event_id)
    if paid is None:  # the relay tells what comes again; should it not, this card can
        return None, _DUPLICATE
    card, own = paid
    packed = pack_card(record.offset, card)
    _cards.keep(packed, _new(AtCard, (record.offset, card)))
    return packed, (encode_of_card(own),)


def _again(card: Card, record: Record) -> tuple[bytes, ...]:
    """What a payment is whose id was taken before: delivered again, or under a used id."""
    event = read_event(Topic.TRANSACTIONS, record.value, record.arrived_at)
    if isinstance(event, Rejected):
        return _letter(event)
    assert not isinstance(event, Label)
    if was_paid(card, event.occurred_at, event.event_id):
        return _DUPLICATE
    return _letter(REUSED)


_LABEL = (encode_answer(Kind.LABEL),)
_DUPLICATE = (encode_answer(Kind.DUPLICATE),)


def _letter(refused: Rejected) -> tuple[bytes, ...]:
    return (encode_answer(Kind.LETTER, (refused.reason.value, refused.detail)),)
