"""What a stage keeps of a key between two messages: as bytes in Kafka, and what they mean.

The bytes are what counts. Which bytes a worker has decoded, or has written itself, it remembers,
and spares decoding them; a worker that was given the key anew finds bytes that it does not know.
So nothing has to be told to the memory when partitions are dealt out again, or a store is restored.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from ..features import NEW_CARD, NEW_TERMINAL, Card, Terminal
from ..state import decode_card, decode_terminal

_HEAD = struct.Struct("<QI")
_pack_head = _HEAD.pack
_REMEMBERED = 50_000
T = TypeVar("T")


class AtTerminal(NamedTuple):
    """What is kept of a terminal."""

    seen: int
    """Offset of the last entry of the log that it has in it."""
    terminal: Terminal
    latest: str
    """Payments that a repeated delivery could still name, as `stages` notes them."""


class AtCard(NamedTuple):
    """What is kept of a card."""

    seen: int
    """Offset of the last entry of the log that it has in it."""
    card: Card


def pack(seen: int, windows: bytes, beside: bytes = b"") -> bytes:
    """As it is stored; `windows` as `state.encode` has them, and what a stage keeps beside."""
    return _pack_head(seen, len(windows)) + windows + beside


def unpack(data: bytes) -> tuple[int, bytes, bytes]:
    """Inverse of `pack`."""
    seen, length = _HEAD.unpack_from(data)
    end = _HEAD.size + length
    return seen, data[_HEAD.size : end], data[end:]


def read_terminal(data: bytes | None) -> AtTerminal:
    """What the bytes of a terminal mean; one that nothing is known of has seen nothing."""
    if not data:
        return AtTerminal(0, NEW_TERMINAL, "")
    seen, windows, latest = unpack(data)
    return AtTerminal(seen, decode_terminal(windows), latest.decode())


def read_card(data: bytes | None) -> AtCard:
    """What the bytes of a card mean; one that nothing is known of has seen nothing."""
    if not data:
        return AtCard(0, NEW_CARD)
    seen, windows, _ = unpack(data)
    return AtCard(seen, decode_card(windows))


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
