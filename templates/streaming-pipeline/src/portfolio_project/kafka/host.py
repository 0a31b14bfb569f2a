"""Runs the Kafka host: the bridge in this process, and workers that it keeps alive."""

from __future__ import annotations

import asyncio
import threading

import orjson

from ..brokers import broker_of
from ..lifeline import die_with_parent
from ..settings import Settings
from ..supervisor import Child, Supervisor
from .bridge import bridge


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
    from .worker import run  # noqa: PLC0415 - quixstreams takes two seconds

    if follow_parent:
        die_with_parent()
    run(settings, name)
