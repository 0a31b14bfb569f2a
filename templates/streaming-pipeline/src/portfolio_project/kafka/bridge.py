"""The bridge between this project's files and Kafka: relay and sink, in one loop.

One bridge serves a data folder; the workers, which need nothing of the folder, may be many.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing

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
from .handover import hand_over
from .relay import Relay
from .router import Router, payments_before
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
        router = Router(store.known, payments_before(store.state(), store.known))
        relay = Relay(broker, log, router, store.position().offset)
        mark = folder / f"{broker.prefix}.json"
        hand_over(lambda: Runner(log, store, model), store, relay, mark)
        sink = stack.enter_context(closing(Sink(broker, log, store, model)))
        _log.info("bridge_started", offset=sink.offset, model=model().version)
        done = 0
        while not stop.is_set() and not (until_end and sink.offset >= log.end()):
            sent = relay.send(sink.offset)
            done += sink.step(0.0 if sent else _WAIT_SECONDS)
        sink.remember()
        _log.info("bridge_stopped", offset=sink.offset, stored=done, repeated=sink.repeated)
        return done
