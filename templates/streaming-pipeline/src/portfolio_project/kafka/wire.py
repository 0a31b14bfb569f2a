"""What goes over the topics: entries of the log as they are, and what became of them.

A message to the workers is an event's own JSON; its place in the log and its topic there are in a
header, its arrival is the message's timestamp, so any Kafka tool shows what it is. An answer keeps
key, header and timestamp of what it answers, and does not repeat the event, which the log has.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from struct import Struct
from typing import Any, NamedTuple

import orjson

from ..features import FEATURE_NAMES

ENTRY = "entry"
"""The header: offset and topic of an entry of the log, with a space between."""

SEED = "seed"
"""In the place of a topic: a message that brings stored windows instead of an event."""

AGAIN = "again"
"""In the place of a topic: a payment whose id an earlier entry of the log has taken."""

Headers = Sequence[tuple[str, Any]]
"""As Kafka's clients give them: names, and bytes."""


class Kind(IntEnum):
    """What an answer says of an entry of the log; the first byte of the message."""

    OF_CARD = ord("c")
    """A payment's features that follow from it and from its card: one half of them."""
    OF_TERMINAL = ord("t")
    """Those that follow from its terminal: the other half."""
    DUPLICATE = ord("d")
    LABEL = ord("l")
    LETTER = ord("x")


HALVES = frozenset((Kind.OF_CARD, Kind.OF_TERMINAL))
"""Both of them answer a payment. Any other kind is the whole answer."""


class Answer(NamedTuple):
    """What a stage says of one entry."""

    kind: Kind
    detail: tuple[Any, ...] = ()
    """Features of a half; reason and text of a refusal; else nothing."""


_THEIRS = sum(name.startswith("terminal_") for name in FEATURE_NAMES)
_OF_CARD = Struct(f"<{len(FEATURE_NAMES) - _THEIRS}d")
_OF_TERMINAL = Struct(f"<{_THEIRS}d")
_pack_card, _pack_terminal = _OF_CARD.pack, _OF_TERMINAL.pack


def encode_of_card(features: tuple[float, ...]) -> bytes:
    """The answer that gives the card's half, as doubles."""
    return b"c" + _pack_card(*features)


def encode_of_terminal(features: tuple[float, ...]) -> bytes:
    """The answer that gives the terminal's half, as doubles."""
    return b"t" + _pack_terminal(*features)


def encode_answer(kind: Kind, detail: tuple[str, ...] = ()) -> bytes:
    """Any other answer: a byte that tells the kind, and a refusal as JSON."""
    return bytes((kind,)) + (orjson.dumps(detail) if detail else b"")


def decode_answer(data: bytes) -> Answer:
    """Inverse of all three."""
    kind, detail = Kind(data[0]), data[1:]
    if kind is Kind.OF_CARD:
        return Answer(kind, _OF_CARD.unpack(detail))
    if kind is Kind.OF_TERMINAL:
        return Answer(kind, _OF_TERMINAL.unpack(detail))
    return Answer(kind, tuple(orjson.loads(detail)) if detail else ())


def headers_of(offset: int, topic: str) -> dict[str, bytes]:
    """The headers of an entry of the log."""
    return {ENTRY: b"%d %s" % (offset, topic.encode())}


def read_headers(headers: Headers) -> tuple[int, str]:
    """Offset and topic of an entry of the log. Raises KeyError if a message is of no entry."""
    for name, value in headers:
        if name == ENTRY:
            offset, _, topic = value.partition(b" ")
            return int(offset), topic.decode()
    raise KeyError(ENTRY)
