"""Hands the embedded runner's windows to the workers, which go on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import structlog

from ..brokers import CARDS, TERMINALS
from ..runner import Runner
from ..state import decode_card, decode_terminal
from ..store import Store
from .kept import pack_card, pack_terminal
from .relay import Relay

_log = structlog.get_logger("bridge")


def hand_over(runner: Callable[[], Runner], store: Store, relay: Relay, mark: Path) -> None:
    """Give the workers the stored windows, the first time that they take over from there.

    The store's checkpoint stays where the embedded runner left it. Should that take over again, it
    replays the log from there. Raises BrokerError.
    """
    since = store.position().checkpoint
    if mark.exists() and orjson.loads(mark.read_bytes()) == {"since": since}:
        return
    runner().save()
    offset = store.position().offset
    relay.seed(_as_kept(store, offset), offset)
    mark.write_bytes(orjson.dumps({"since": offset}))
    _log.info("windows_handed_over", offset=offset)


def _as_kept(store: Store, offset: int) -> Iterator[tuple[str, str, bytes]]:
    """Topic, key and bytes of everything that the store keeps as of `offset`."""
    for kind, key, data in store.state():
        if data is None:
            continue
        if kind == "card":
            yield CARDS, key, pack_card(offset, decode_card(data))
        else:
            yield TERMINALS, key, pack_terminal(offset, decode_terminal(data))
