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
_NUMBERS = {
    Kind.OF_CARD: Struct(f"<B{len(FEATURE_NAMES) - _THEIRS}d"),
    Kind.OF_TERMINAL: Struct(f"<B{_THEIRS}d"),
}


def encode_answer(kind: Kind, detail: tuple[Any, ...] = ()) -> bytes:
    """A byte that tells the kind, then features as doubles, or a refusal as JSON."""
    if (numbers := _NUMBERS.get(kind)) is not None:
        return numbers.pack(kind, *detail)
    return bytes((kind,)) + (orjson.dumps(detail) if detail else b"")


def decode_answer(data: bytes) -> Answer:
    """Inverse of `encode_answer`."""
    kind = Kind(data[0])
    if (numbers := _NUMBERS.get(kind)) is not None:
        return Answer(kind, numbers.unpack(data)[1:])
    return Answer(kind, tuple(orjson.loads(data[1:])) if len(data) > 1 else ())


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
