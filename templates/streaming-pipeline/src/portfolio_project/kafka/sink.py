"""The sink: puts the workers' answers back into the order of the log, scores and stores them.

Answers come from many partitions, some of them twice (workers promise at least once). Each names
its entry of the log, so the sink takes exactly the next one, holds what came early, and forgets
what it has had. A batch is then committed as the embedded runner commits its own: all or nothing,
with the offset that it ends at. A sink that is killed reads again what it had not stored.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import NamedTuple

from confluent_kafka import OFFSET_STORED, Consumer, KafkaException, TopicPartition

from ..broker import Record
from ..brokers import OUTCOMES, Broker, BrokerError
from ..decide import REUSED, decide, letter_of
from ..events import Event, Label, Rejected, Transaction, read_event
from ..scorer import Scorer
from ..store import Letter, Outcome, Store, StoredLabel
from . import wire

BATCH = 500
_COMMIT_SECONDS = 1.0


class _Held(NamedTuple):
    """An answer that waits for those before it, and where it stands in Kafka."""

    outcome: wire.Outcome
    partition: int
    position: int


class Sink:
    """Carries answers into the store. `scorer()` gives the model for the next batch."""

    def __init__(self, broker: Broker, store: Store, scorer: Callable[[], Scorer]) -> None:
        self._store = store
        self._scorer = scorer
        self.offset = store.position().offset
        self.repeated = 0
        """Answers that came again, and were dropped."""
        self._waiting: dict[int, _Held] = {}
        self._topic = broker.topic(OUTCOMES)
        self._positions: dict[int, int] = {}
        self._committed_at = time.monotonic()
        self._consumer = Consumer(
            {
                **broker.client,
                "group.id": broker.sink_group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 10,
            }
        )
        partitions = range(broker.partitions)
        self._consumer.assign([TopicPartition(self._topic, p, OFFSET_STORED) for p in partitions])

    def step(self, seconds: float, limit: int = BATCH) -> int:
        """Take what has come, or comes within `seconds`; returns how many entries were stored.

        Raises BrokerError, or sqlite3.Error when the store takes nothing; nothing is lost then.
        """
        for message in self._consumer.consume(limit, seconds):
            if (error := message.error()) is not None:
                raise BrokerError(f"cannot read {self._topic}: {error.str()}")
            self._hold(message.partition() or 0, message.offset() or 0, message.value() or b"")
        run: list[wire.Outcome] = []
        while (held := self._waiting.get(self.offset + 1 + len(run))) is not None:
            run.append(held.outcome)
        if run:
            self._commit(run)
        if time.monotonic() - self._committed_at > _COMMIT_SECONDS:
            self.remember()
        return len(run)

    def remember(self) -> None:
        """Tell Kafka where to begin again: at the oldest answer that is not in the store."""
        self._committed_at = time.monotonic()
        begin = dict(self._positions)
        for held in self._waiting.values():
            begin[held.partition] = min(begin[held.partition], held.position)
        offsets = [TopicPartition(self._topic, *place) for place in begin.items()]
        if offsets:
            try:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException as error:
                raise BrokerError(f"cannot commit to {self._topic}: {error}") from error

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()

    def _hold(self, partition: int, position: int, value: bytes) -> None:
        self._positions[partition] = position + 1
        outcome = wire.decode_outcome(value)
        offset = outcome.record.offset
        if offset <= self.offset or offset in self._waiting:
            self.repeated += 1
        else:
            self._waiting[offset] = _Held(outcome, partition, position)

    def _commit(self, run: list[wire.Outcome]) -> None:
        try:
            self._store.commit(_stored(run, self._scorer))
        except sqlite3.IntegrityError:
            # Somebody used an event_id twice: as in the embedded runner, only then looked for.
            ids = [_event(one.record).event_id for one in run if one.kind is wire.Kind.FEATURES]
            self._store.commit(_stored(run, self._scorer, self._store.known(ids)))
        for one in run:
            del self._waiting[one.record.offset]
        self.offset = run[-1].record.offset


def _stored(
    run: list[wire.Outcome], scorer: Callable[[], Scorer], used: set[str] | None = None
) -> Outcome:
    """A batch as it goes into the store. Given `used`, a payment with such an id is refused."""
    outcome = Outcome(run[-1].record.offset)
    payments: list[tuple[Record, Transaction]] = []
    features: list[list[float]] = []
    for one in run:
        record = one.record
        if one.kind is wire.Kind.DUPLICATE:
            outcome.duplicates += 1
        elif one.kind is wire.Kind.LETTER:
            reason, detail = one.detail
            where = record.offset, record.topic, record.arrived_at
            outcome.letters.append(Letter(*where, reason, detail, record.value))
        elif one.kind is wire.Kind.LABEL:
            label = _event(record)
            assert isinstance(label, Label)
            outcome.labels.append(
                StoredLabel(record.offset, label.event_id, label.fraud, record.arrived_at)
            )
        else:
            event = _event(record)
            assert isinstance(event, Transaction)
            if used is not None:
                if event.event_id in used:
                    outcome.letters.append(letter_of(record, REUSED))
                    continue
                used.add(event.event_id)
            payments.append((record, event))
            features.append(one.detail)
    if payments:
        decide(scorer(), outcome, payments, features)
    return outcome


def _event(record: Record) -> Event:
    """The event, which a worker has taken already."""
    event = read_event(record.topic, record.value, record.arrived_at)
    assert not isinstance(event, Rejected)
    return event
