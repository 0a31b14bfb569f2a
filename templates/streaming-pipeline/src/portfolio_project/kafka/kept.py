"""What a stage keeps of a key between two messages: as bytes in Kafka, and what they mean.

The bytes are what counts. Which bytes a worker has decoded, or has written itself, it remembers,
and spares decoding them; a worker that was given the key anew finds bytes that it does not know.
So nothing has to be told to the memory when partitions are dealt out again, or a store is restored.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar

import orjson

from ..features import NEW_CARD, NEW_TERMINAL, Card, Terminal

_HEAD = struct.Struct("<QI")
_pack_head = _HEAD.pack
_OFFSET = 8
"""Bytes that the offset takes, the first of the head."""
_ENTRY = array("I").itemsize
_REMEMBERED = 50_000
T = TypeVar("T")


class AtTerminal(NamedTuple):
    """What is kept of a terminal."""

    seen: int
    """Offset of the last entry of the log that it has in it."""
    terminal: Terminal


class AtCard(NamedTuple):
    """What is kept of a card."""

    seen: int
    """Offset of the last entry of the log that it has in it."""
    card: Card


def pack_card(seen: int, card: Card) -> bytes:
    """Head, times, cents, and what could be delivered again; numbers are little-endian."""
    times, cents, _, recent, first, end = card
    head = _pack_head(seen, end - first)
    return head + _raw(times[first:end]) + _raw(cents[first:end]) + recent.encode()


def pack_terminal(seen: int, terminal: Terminal) -> bytes:
    """Head, times, and frauds as JSON if there are any."""
    times, frauds, first, end = terminal
    head = _pack_head(seen, end - first)
    return head + _raw(times[first:end]) + (orjson.dumps(frauds) if frauds else b"")


def read_card(data: bytes | None) -> AtCard:
    """What the bytes of a card mean; one that nothing is known of has seen nothing."""
    if not data:
        return AtCard(0, NEW_CARD)
    seen, count = _HEAD.unpack_from(data)
    middle, end = _HEAD.size + count * _ENTRY, _HEAD.size + 2 * count * _ENTRY
    times, cents = _numbers(data[_HEAD.size : middle]), _numbers(data[middle:end])
    totals = array("q", accumulate(cents, initial=0))
    return AtCard(seen, Card(times, cents, totals, data[end:].decode(), 0, count))


def read_terminal(data: bytes | None) -> AtTerminal:
    """What the bytes of a terminal mean; one that nothing is known of has seen nothing."""
    if not data:
        return AtTerminal(0, NEW_TERMINAL)
    seen, count = _HEAD.unpack_from(data)
    end = _HEAD.size + count * _ENTRY
    frauds = tuple((at, one) for at, one in orjson.loads(data[end:] or b"[]"))
    return AtTerminal(seen, Terminal(_numbers(data[_HEAD.size : end]), frauds, 0, count))


def seen_of(data: bytes) -> int:
    """Offset of the last entry of the log that stored bytes have in them."""
    seen: int = _HEAD.unpack_from(data)[0]
    return seen


def _numbers(data: bytes) -> array[int]:
    column = array("I", data)
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _swapped(column: array[int]) -> bytes:
    column.byteswap()
    return column.tobytes()


_raw: Callable[[array[int]], bytes] = array.tobytes if sys.byteorder == "little" else _swapped


class Memory(Generic[T]):
    """What bytes mean, without decoding those that were written here."""

    def __init__(self, decode: Callable[[bytes | None], T]) -> None:
        self._decode = decode
        self._known: dict[bytes, tuple[bytes, T]] = {}
        """By the offset with which bytes begin: an entry of the log moves one card, one terminal.
        Shorter to look up than the bytes, which are compared all the same."""

    def take(self, data: bytes | None) -> T:
        """What `data` means. It is then forgotten: a key's next bytes take its place."""
        if data:
            found = self._known.pop(data[:_OFFSET], None)
            if found is not None and found[0] == data:
                return found[1]
        return self._decode(data)

    def keep(self, data: bytes, meaning: T) -> None:
        """Remember what `data` means; the bytes that were kept first are forgotten first."""
        self._known[data[:_OFFSET]] = data, meaning
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
