"""Runs the Kafka host: the bridge in this process, and workers that it keeps alive."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import orjson
import structlog
from quixstreams.checkpointing.exceptions import CheckpointConsumerCommitError

from ..brokers import broker_of
from ..lifeline import die_with_parent
from ..settings import Settings
from ..supervisor import Child, Supervisor
from .bridge import bridge
from .worker import application

_PAUSE_SECONDS = 0.2
_log = structlog.get_logger("kafka")


def work(
    settings: Settings, stop: threading.Event, *, workers: int, until_end: bool = False
) -> int:
    """Process the log on Kafka with so many supervised workers; as `worker.work` otherwise.

    With no workers of its own it is the bridge alone. Raises what `bridge` raises.
    """
    broker_of(settings)

    async def run() -> int:
        async with Supervisor(children(workers), environment(settings)):
            return await asyncio.to_thread(bridge, settings, stop, until_end=until_end)

    return asyncio.run(run())


def children(workers: int) -> list[Child]:
    """The workers as supervised processes."""
    names = [f"worker-{number}" if number > 1 else "worker" for number in range(1, workers + 1)]
    return [Child(name, ("kafka-worker", name, "--follow-parent")) for name in names]


def environment(settings: Settings) -> dict[str, str]:
    """What a worker must be told, wherever it is started."""
    prefix = str(Settings.model_config.get("env_prefix", ""))
    names = [name for name in Settings.model_fields if name.startswith("kafka_")]
    told = settings.model_dump(mode="json", include={"broker_url", *names})
    values = {name: orjson.dumps(told[name]).decode().strip('"') for name in told}
    data_dir = {"data_dir": str(settings.data_dir.resolve())}
    return {f"{prefix}{name}".upper(): value for name, value in (values | data_dir).items()}


def run_worker(settings: Settings, name: str, *, follow_parent: bool = False) -> None:
    """One worker, until it is told to stop. Raises BrokerError if the settings name no broker."""
    broker = broker_of(settings)
    if follow_parent:
        die_with_parent()
    _log.info("worker_started", worker=name, pid=os.getpid())
    while True:
        app = application(
            broker,
            settings.windows_dir / name,
            name=name,
            exactly_once=settings.kafka_exactly_once,
            commit_every=settings.kafka_commit_every,
        )
        try:
            app.run()
        except CheckpointConsumerCommitError as error:
            # The partitions were being dealt anew. What was not committed is done again.
            _log.warning("checkpoint_refused", worker=name, reason=str(error))
            time.sleep(_PAUSE_SECONDS)
        else:
            return
