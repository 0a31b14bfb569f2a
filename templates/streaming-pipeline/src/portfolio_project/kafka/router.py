"""Says to which partitions each entry of the log goes, and which payments come again.

A payment goes to its card and to its terminal, a label to its terminal. One whose id was taken
before moves no window: it goes to its card alone, which knows whether it is a repeated delivery or
another payment under a used id. Only who sees the log in its order can tell: a terminal keeps no
ids, and a card those of its own payments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from ..broker import Record
from ..brokers import CARDS, TERMINALS
from ..events import MAX_CLOCK_SKEW, MAX_LATENESS, Topic, Transaction, read_event
from ..features import unsettled
from ..state import Row, decode_card
from .wire import AGAIN

NO_KEY = "-"
"""Key of an event that names no card or terminal; no identifier looks like this."""

Known = Callable[[Sequence[str]], Mapping[str, int]]
"""Which of some ids the store has, each with the offset of its payment."""

Payment = tuple[str, str]
"""A card, and one of its payments as `Card.recent` has them: event time and id."""


class Router:
    """Routes entries in the order of the log.

    `known` is what the store has. `before` are payments of windows that began before the log did,
    of which the store has none.
    """

    def __init__(self, known: Known, before: Iterable[Payment] = ()) -> None:
        self._known = known
        self._before = frozenset(before)
        self._ids_before = {_id_of(line) for _, line in self._before}
        self._under_way: dict[str, Record] = {}
        """By id, in the order of the log: payments that the store does not have yet."""

    def route(self, records: Sequence[Record]) -> list[tuple[str, str, Record]]:
        """Topic and key of each partition that needs an entry, and the entry as it goes there."""
        bodies = [_read(record) for record in records]
        ids = [_id(record, body) for record, body in zip(records, bodies, strict=True)]
        known = self._known([event_id for event_id in ids if event_id])
        found: list[tuple[str, str, Record]] = []
        for record, body, event_id in zip(records, bodies, ids, strict=True):
            card, terminal = _key(body, "card_id"), _key(body, "terminal_id")
            if record.topic == Topic.LABELS:
                found.append((TERMINALS, terminal, record))
            elif NO_KEY in {card, terminal}:
                found.append((CARDS, card, record))
            elif event_id and self._is_taken(event_id, record, known):
                found.append((CARDS, card, record._replace(topic=AGAIN)))
            else:
                found += [(CARDS, card, record), (TERMINALS, terminal, record)]
        return found

    def forget(self, offset: int) -> None:
        """Leave payments up to `offset` to the store, which has them now."""
        while self._under_way:
            event_id, first = next(iter(self._under_way.items()))
            if first.offset > offset:
                return
            del self._under_way[event_id]

    def _is_taken(self, event_id: str, record: Record, known: Mapping[str, int]) -> bool:
        """Whether a payment ahead of `record` has its id; if none, this one has it from now on."""
        if known.get(event_id, record.offset) < record.offset:
            return True
        first = self._under_way.get(event_id)
        if first is not None:
            if _payment(first) is not None:
                return True
            del self._under_way[event_id]  # it was refused, so it took no id
        if event_id in self._ids_before and self._was_before(record):
            return True
        self._under_way[event_id] = record
        return False

    def _was_before(self, record: Record) -> bool:
        one = _payment(record)
        if one is None:
            return False
        return (one.card_id, f"{one.occurred_at} {one.event_id}") in self._before


def payments_before(rows: Iterable[Row], known: Known) -> set[Payment]:
    """Payments in windows that are no entries of the log, but may be delivered again there.

    `rows` are windows, and `known` is what the store has made of the log.
    """
    cards = [(row.key, decode_card(row.data)) for row in rows if row.kind == "card" and row.data]
    newest = max((card.times[card.end - 1] for _, card in cards if card.end), default=0)
    settled = newest - MAX_LATENESS - MAX_CLOCK_SKEW
    recent = [
        (key, line) for key, card in cards for line in unsettled(card.recent, settled).splitlines()
    ]
    have = known([_id_of(line) for _, line in recent])
    return {(key, line) for key, line in recent if _id_of(line) not in have}


def _id_of(line: str) -> str:
    return line.partition(" ")[2]


def _payment(record: Record) -> Transaction | None:
    event = read_event(record.topic, record.value, record.arrived_at)
    return event if isinstance(event, Transaction) else None


def _read(record: Record) -> Any:
    """An entry's body. It is not judged here, only read."""
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(record.value)
    return None


def _id(record: Record, body: Any) -> str:
    """A payment's id, empty if there is none."""
    if record.topic != Topic.TRANSACTIONS or not isinstance(body, dict):
        return ""
    value = body.get("event_id")
    return value if isinstance(value, str) else ""


def _key(body: Any, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) and 0 < len(value) <= 64 else NO_KEY
