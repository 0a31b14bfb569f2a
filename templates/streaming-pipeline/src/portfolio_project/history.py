"""Where history ends and the stream begins: windows to start from, and a data set of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import chain

import structlog

from .broker import Envelope, Log
from .dataset import read_events
from .events import Rejected, read_event
from .ingest import EVENTS_FILE
from .runner import BATCH
from .settings import Settings
from .snapshot import load_state
from .state import KeyedState
from .store import Store
from .train import STATE_FILE
from .view import View

_log = structlog.get_logger("history")


def take_windows(settings: Settings, log: Log, store: Store) -> bool:
    """Give a stream that has not begun the windows that training left; returns whether it did.

    A log that begins before history ends is a stream of its own: what both have would be counted
    twice.
    """
    path = settings.models_dir / STATE_FILE
    if store.position().offset or not path.exists():
        return False
    rows = load_state(path)
    try:
        newest = KeyedState(rows).newest()
    except ValueError as error:
        _log.warning("windows_not_taken", reason=f"{error}. Train again")
        return False
    begins = log.first_arrival()
    if begins is not None and begins < newest:
        _log.info("windows_not_taken", reason="the log begins before history ends")
        return False
    try:
        store.bootstrap(rows)
    except ValueError:
        return False  # a worker has begun meanwhile, and has taken them
    _log.info("windows_taken", entities=len(rows))
    return True


def begin(settings: Settings) -> None:
    """Have the windows in their place before anybody asks, whether or not a worker runs yet."""
    with (
        closing(Log(settings.log_path)) as log,
        closing(Store(settings.store_path)) as store,
    ):
        take_windows(settings, log, store)


def history_and_stream(settings: Settings, log: Log, view: View) -> Iterator[Envelope]:
    """Events of the data set, and those that the stream has taken since, in order of arrival.

    Of a stream that goes on from nothing in the data set, its own alone. Raises DatasetError.
    """
    until = view.counters().offset
    path = settings.dataset_dir / EVENTS_FILE
    begins = log.first_arrival()
    history: Iterator[Envelope] = iter(())
    if path.exists():
        ended = max((event.arrived_at for event in read_events(path)), default=0)
        if begins is None or begins >= ended:
            history = read_events(path)
    return chain(history, _taken(log, view, until))


def _taken(log: Log, view: View, until: int) -> Iterator[Envelope]:
    position = 0
    while position < until and (records := log.read(position, min(BATCH, until - position))):
        refused = {one.offset for one in view.letters_between(position, records[-1].offset)}
        for offset, arrived_at, topic, value in records:
            event = read_event(topic, value, arrived_at)
            if offset not in refused and not isinstance(event, Rejected):
                yield Envelope(arrived_at, topic, value)
        position = records[-1].offset
