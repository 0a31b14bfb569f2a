"""Hands the embedded runner's windows to the workers, which go on where it stopped.

A card knows by itself which payments may be delivered again. A terminal does not: embedded, its
card is at hand. So what the log has of the last two days goes along with the terminals' windows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import structlog

from ..broker import Log
from ..brokers import CARDS, TERMINALS
from ..events import MAX_CLOCK_SKEW, MAX_LATENESS, Transaction, read_event
from ..runner import BATCH, Runner
from ..state import decode_card, decode_terminal
from ..store import Store
from .kept import pack_card, pack_terminal
from .relay import Relay
from .stages import note

_log = structlog.get_logger("bridge")


def hand_over(
    runner: Callable[[], Runner], log: Log, store: Store, relay: Relay, mark: Path
) -> None:
    """Give the workers the stored windows, the first time that they take over from there.

    The store's checkpoint stays where the embedded runner left it. Should that take over again, it
    replays the log from there. Raises BrokerError.
    """
    since = store.position().checkpoint
    if mark.exists() and orjson.loads(mark.read_bytes()) == {"since": since}:
        return
    runner().save()
    offset = store.position().offset
    relay.seed(_as_kept(log, store, offset), offset)
    mark.write_bytes(orjson.dumps({"since": offset}))
    _log.info("windows_handed_over", offset=offset)


def _as_kept(log: Log, store: Store, offset: int) -> Iterator[tuple[str, str, bytes]]:
    """Topic, key and bytes of everything that the store keeps as of `offset`."""
    latest = _latest_by_terminal(log, store, offset)
    for kind, key, data in store.state():
        if data is None:
            continue
        if kind == "card":
            yield CARDS, key, pack_card(offset, decode_card(data))
        else:
            packed = pack_terminal(offset, decode_terminal(data), "".join(latest[key]))
            yield TERMINALS, key, packed


def _latest_by_terminal(log: Log, store: Store, offset: int) -> defaultdict[str, list[str]]:
    """Payments until `offset` that may arrive again behind it, as the terminals' stage notes them.

    They arrived in the last two days: what is repeated later than that comes too late.
    """
    found = defaultdict[str, list[str]](list)
    if not offset:
        return found
    since = _arrival(log, offset) - MAX_LATENESS - MAX_CLOCK_SKEW
    begin = offset
    while begin > 0 and _arrival(log, begin) >= since:
        begin = max(0, begin - BATCH)
    while begin < offset:
        records = log.read(begin, min(BATCH, offset - begin))
        begin = records[-1].offset
        taken = store.predicted(records[0].offset - 1, begin)
        for record in records:
            if record.offset in taken:
                event = read_event(record.topic, record.value, record.arrived_at)
                assert isinstance(event, Transaction)
                found[event.terminal_id].append(note(event))
    return found


def _arrival(log: Log, offset: int) -> int:
    return log.read(offset - 1, 1)[0].arrived_at
