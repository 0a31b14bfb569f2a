"""The relay: sends the log to Kafka in its order, each entry to the partitions that need it.

The relay keeps no position of its own: it begins at the last entry that the store has, and whatever
it sends a second time is recognised by its offset. It runs ahead of the store by so many entries at
most, which bounds what waits in the topics, in the router and in the sink.
"""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import Producer

from ..broker import Log, Record
from ..brokers import Broker, BrokerError
from .router import Router
from .wire import SEED, headers_of

AHEAD = 20_000
BATCH = 500
_FLUSH_SECONDS = 30.0


class Relay:
    """Sends the log from the entry behind `offset` on."""

    def __init__(self, broker: Broker, log: Log, router: Router, offset: int) -> None:
        self._broker = broker
        self._log = log
        self._router = router
        self.offset = offset
        self._failed: str | None = None
        self._producer = Producer(
            {
                **broker.client,
                "enable.idempotence": True,
                "partitioner": "murmur2",
                "linger.ms": 5,
                "queue.buffering.max.messages": 10 * AHEAD,
            }
        )

    def send(self, stored: int, limit: int = BATCH) -> int:
        """Send the next entries, `stored` being the last one in the store; returns how many.

        Raises BrokerError when the broker took none for a long time.
        """
        self._producer.poll(0)
        if self._failed:
            raise BrokerError(self._failed)
        room = min(limit, stored + AHEAD - self.offset)
        records = self._log.read(self.offset, room) if room > 0 else []
        self._router.forget(stored)
        for name, key, record in self._router.route(records):
            self._produce(name, key, record)
        if records:
            self.offset = records[-1].offset
        return len(records)

    def seed(self, kept: Iterable[tuple[str, str, bytes]], offset: int) -> None:
        """Hand what is kept as of `offset` to the workers, ahead of all entries behind it.

        `kept` are topics, keys, and bytes as the stages store them. Raises BrokerError.
        """
        for name, key, data in kept:
            self._produce(name, key, Record(offset, 0, SEED, data))
        self.flush()

    def flush(self) -> None:
        """Return when the broker has everything. Raises BrokerError if it does not take it."""
        if self._producer.flush(_FLUSH_SECONDS) or self._failed:
            raise BrokerError(self._failed or f"{self._broker.address} takes no messages")

    def _produce(self, name: str, key: str, record: Record) -> None:
        self._producer.produce(
            self._broker.topic(name),
            key=key,
            value=record.value,
            headers=headers_of(record.offset, record.topic),
            timestamp=record.arrived_at * 1000,
            on_delivery=self._delivered,
        )

    def _delivered(self, error: object, _message: object) -> None:
        if error is not None:
            self._failed = f"{self._broker.address} refused a message: {error}"
