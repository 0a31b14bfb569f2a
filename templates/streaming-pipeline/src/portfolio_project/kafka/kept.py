"""What a stage keeps of a key between two messages: as bytes in Kafka, and what they mean.

The bytes are what counts. Which bytes a worker has decoded, or has written itself, it remembers,
and spares decoding them; a worker that was given the key anew finds bytes that it does not know.
So nothing has to be told to the memory when partitions are dealt out again, or a store is restored.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

from ..features import NEW_CARD, NEW_TERMINAL, Card, Terminal
from ..state import decode_card, decode_terminal

_HEAD = struct.Struct("<QII")
_REMEMBERED = 50_000
T = TypeVar("T")


class Kept(NamedTuple):
    """One key's state between two messages, as bytes."""

    seen: int
    """Offset of the last entry of the log that it has in it."""
    windows: bytes
    """Of a card or a terminal, as `state.encode` has them."""
    beside: bytes = b""
    """What else the stage keeps: a terminal's latest payments, a card's unfinished joins."""

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


class AtTerminal(NamedTuple):
    """What is kept of a terminal."""

    seen: int
    terminal: Terminal
    latest: Card
    """A card of the terminal's own: it knows a payment that is delivered again."""


class Join(NamedTuple):
    """A card's payments that wait for their terminals' shares, and shares that came first."""

    payments: dict[str, list[Any]]
    """By offset: the event's arrival, its JSON, and the features that follow from the card."""
    shares: dict[str, list[float]]


class AtCard(NamedTuple):
    """What is kept of a card."""

    seen: int
    card: Card
    windows: bytes
    """The card, encoded."""
    join: Join


def read_terminal(data: bytes | None) -> AtTerminal:
    """What the bytes of a terminal mean."""
    kept = unpack(data)
    terminal = decode_terminal(kept.windows) if kept.windows else NEW_TERMINAL
    return AtTerminal(kept.seen, terminal, _read_latest(kept.beside))


def read_card(data: bytes | None) -> AtCard:
    """What the bytes of a card mean."""
    kept = unpack(data)
    join = Join(*orjson.loads(kept.beside)) if kept.beside else Join({}, {})
    card = decode_card(kept.windows) if kept.windows else NEW_CARD
    return AtCard(kept.seen, card, kept.windows, join)


def pack_latest(latest: Card) -> bytes:
    """Of a terminal's own card: when the newest payment was, and which could be repeated."""
    return b"%d\n%s" % (latest.times[latest.end - 1], latest.recent.encode()) if latest.end else b""


def _read_latest(data: bytes) -> Card:
    if not data:
        return NEW_CARD
    newest, _, recent = data.partition(b"\n")
    nothing = array("I", (0,)), array("q", (0, 0))
    return Card(array("I", (int(newest),)), *nothing, recent.decode(), 0, 1)


def pack_join(join: Join) -> bytes:
    """Nothing for a card that waits for nothing."""
    return orjson.dumps([*join]) if join.payments or join.shares else b""


class Memory(Generic[T]):
    """What bytes mean, without decoding those that were written here."""

    def __init__(self, decode: Callable[[bytes | None], T]) -> None:
        self._decode = decode
        self._known: dict[bytes | None, T] = {}

    def take(self, data: bytes | None) -> T:
        """What `data` means. It is then forgotten: a key's next bytes take its place."""
        found = self._known.pop(data, None)
        return self._decode(data) if found is None else found

    def keep(self, data: bytes, meaning: T) -> None:
        """Remember what `data` means; the bytes that were kept first are forgotten first."""
        self._known[data] = meaning
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
