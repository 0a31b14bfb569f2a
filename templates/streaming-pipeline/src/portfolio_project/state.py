"""Keyed state: the windows of every card and terminal, with the changes since last saved.

Hosts of the reducer hold one of these; what it does to an event is `features.step` and nothing
else.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from itertools import accumulate
from typing import Any, Literal, NamedTuple

import orjson

from .events import Event, Transaction
from .features import (
    NEW_CARD,
    NEW_TERMINAL,
    STATE_HORIZON,
    Card,
    Features,
    State,
    Terminal,
    step,
    was_paid,
)

Kind = Literal["card", "terminal"]
_LINE = orjson.OPT_APPEND_NEWLINE
_ENTRY = array("I").itemsize
_new = tuple.__new__  # for each event, and a named tuple's own call takes longer


class Row(NamedTuple):
    """One entity's state as it is stored; `data` is None for an entity that was dropped."""

    kind: Kind
    key: str
    data: bytes | None


class KeyedState:
    """All open windows, by card and by terminal."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.cards: dict[str, Card] = {}
        self.terminals: dict[str, Terminal] = {}
        self._changed_cards: set[str] = set()
        self._changed_terminals: set[str] = set()
        for kind, key, data in rows:
            if data is None:
                continue
            if kind == "card":
                self.cards[key] = decode_card(data)
            else:
                self.terminals[key] = decode_terminal(data)

    def apply(self, event: Event) -> Features | None:
        """Feed one event through the reducer; None for a label or a repeated delivery."""
        terminal_id = event.terminal_id
        terminal = self.terminals.get(terminal_id, NEW_TERMINAL)
        if not isinstance(event, Transaction):
            before = State(NEW_CARD, terminal)
            after, _ = step(before, event)
            if after is not before:
                self.terminals[terminal_id] = after.terminal
                self._changed_terminals.add(terminal_id)
            return None
        card_id = event.card_id
        before = _new(State, (self.cards.get(card_id, NEW_CARD), terminal))
        after, features = step(before, event)
        if features is not None:
            self.cards[card_id], self.terminals[terminal_id] = after
            self._changed_cards.add(card_id)
            self._changed_terminals.add(terminal_id)
        return features

    def has(self, event: Transaction) -> bool:
        """Whether `event` was applied before, so that feeding it again would change nothing."""
        card = self.cards.get(event.card_id, NEW_CARD)
        return was_paid(card, event.occurred_at, event.event_id)

    def forget_idle(self, now: int) -> int:
        """Drop entities whose windows are all empty at `now` (Unix seconds); returns how many.

        Memory is thus bounded by open windows, not by the cards ever seen. No feature can tell.
        """
        closed = now - STATE_HORIZON
        cards = [key for key, card in self.cards.items() if card.times[card.end - 1] <= closed]
        terminals = [key for key, terminal in self.terminals.items() if _idle(terminal, closed)]
        for key in cards:
            del self.cards[key]
        for key in terminals:
            del self.terminals[key]
        self._changed_cards.update(cards)
        self._changed_terminals.update(terminals)
        return len(cards) + len(terminals)

    def newest(self) -> int:
        """The latest event time in any window (Unix seconds), 0 without any."""
        every: list[Card | Terminal] = [*self.cards.values(), *self.terminals.values()]
        return max((one.times[one.end - 1] for one in every if one.end), default=0)

    def changes(self) -> list[Row]:
        """Rows that differ from what was last saved; asking for them marks them as saved."""
        cards, terminals = sorted(self._changed_cards), sorted(self._changed_terminals)
        rows = [Row("card", key, _encode_known(self.cards.get(key))) for key in cards]
        rows += [Row("terminal", key, _encode_known(self.terminals.get(key))) for key in terminals]
        self._changed_cards.clear()
        self._changed_terminals.clear()
        return rows

    def rows(self) -> list[Row]:
        """Every entity, cards first, by key: equal states give equal rows."""
        return [Row("card", key, encode(card)) for key, card in sorted(self.cards.items())] + [
            Row("terminal", key, encode(terminal))
            for key, terminal in sorted(self.terminals.items())
        ]


def _encode_known(state: Card | Terminal | None) -> bytes | None:
    return encode(state) if state else None


def encode(state: Card | Terminal) -> bytes:
    """An entity's state: a JSON line of its length and ids, then its arrays, little-endian."""
    first, end = state.first, state.end
    times = _little_endian(state.times[first:end]).tobytes()
    if isinstance(state, Terminal):
        return orjson.dumps([end - first, state.frauds], option=_LINE) + times
    cents = _little_endian(state.cents[first:end]).tobytes()
    return orjson.dumps([end - first, state.recent], option=_LINE) + times + cents


def decode_card(data: bytes) -> Card:
    """Inverse of `encode` for a card. Raises ValueError for damaged data."""
    (times, cents), recent = _decode(data, 2)
    return Card(times, cents, array("q", accumulate(cents, initial=0)), recent, 0, len(times))


def decode_terminal(data: bytes) -> Terminal:
    """Inverse of `encode` for a terminal. Raises ValueError for damaged data."""
    (times,), frauds = _decode(data, 1)
    return Terminal(times, tuple((at, event_id) for at, event_id in frauds), 0, len(times))


def _decode(data: bytes, columns: int) -> tuple[list[array[int]], Any]:
    head, _, packed = data.partition(b"\n")
    try:
        length, ids = orjson.loads(head)
    except ValueError as error:
        raise ValueError("a stored state is damaged") from error
    size = length * _ENTRY
    if len(packed) != columns * size:
        raise ValueError("a stored state is damaged")
    parts = (packed[start : start + size] for start in range(0, columns * size, size or 1))
    found = [_little_endian(array("I", part)) for part in parts]
    return found or [array("I") for _ in range(columns)], ids


def _little_endian(column: array[int]) -> array[int]:
    if sys.byteorder == "little":
        return column
    swapped = column[:]
    swapped.byteswap()
    return swapped


def _idle(terminal: Terminal, closed: int) -> bool:
    return (not terminal.end or terminal.times[terminal.end - 1] <= closed) and (
        not terminal.frauds or terminal.frauds[-1][0] <= closed
    )
