"""The bridge between this project's files and Kafka: relay and sink, in one loop.

One bridge serves a data folder; the workers, which need nothing of the folder, may be many.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import orjson
import structlog
from filelock import FileLock, Timeout

from ..broker import Log
from ..brokers import BrokerError, broker_of
from ..history import take_windows
from ..provenance import Registry
from ..runner import Runner
from ..serving_model import CurrentModel
from ..settings import Settings
from ..store import Store
from .relay import Relay
from .sink import Sink
from .topics import create_topics

_WAIT_SECONDS = 0.02
_log = structlog.get_logger("bridge")


def bridge(settings: Settings, stop: threading.Event, *, until_end: bool = False) -> int:
    """Carry the log to Kafka and the answers back; returns how many entries were stored.

    With `until_end`, return when the log is done. Raises BrokerError, NoModelError,
    ModelMismatchError, ProvenanceError or sqlite3.Error.
    """
    broker = broker_of(settings)
    folder = settings.windows_dir
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLock(folder / "bridge.lock", timeout=0))
        except Timeout:
            raise BrokerError(f"another process carries {settings.data_dir} already") from None
        model = CurrentModel(Registry(settings.registry_dir))
        if not broker.simulated:
            create_topics(broker)
        log = stack.enter_context(closing(Log(settings.log_path)))
        store = stack.enter_context(closing(Store(settings.store_path)))
        take_windows(settings, log, store)
        relay = Relay(broker, log, store.position().offset)
        _hand_over(
            lambda: Runner(log, store, model), store, relay, folder / f"{broker.prefix}.json"
        )
        sink = stack.enter_context(closing(Sink(broker, log, store, model)))
        _log.info("bridge_started", offset=sink.offset, model=model().version)
        done = 0
        while not stop.is_set() and not (until_end and sink.offset >= log.end()):
            sent = relay.send(sink.offset)
            done += sink.step(0.0 if sent else _WAIT_SECONDS)
        sink.remember()
        _log.info("bridge_stopped", offset=sink.offset, stored=done, repeated=sink.repeated)
        return done


def _hand_over(runner: Callable[[], Runner], store: Store, relay: Relay, mark: Path) -> None:
    """Give the workers the stored windows, the first time that they take over from there.

    The store's checkpoint stays where the embedded runner left it. Should that take over again, it
    replays the log from there.
    """
    since = store.position().checkpoint
    if mark.exists() and orjson.loads(mark.read_bytes()) == {"since": since}:
        return
    runner().save()
    offset = store.position().offset
    relay.seed(store.state(), offset)
    mark.write_bytes(orjson.dumps({"since": offset}))
    _log.info("windows_handed_over", offset=offset)
