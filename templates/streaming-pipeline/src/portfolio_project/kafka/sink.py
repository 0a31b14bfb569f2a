"""The sink: puts the workers' answers back into the order of the log, scores and stores them.

Answers come from many partitions, some of them twice (workers promise at least once). Each names
its entry of the log, so the sink puts the two halves of a payment together, takes exactly the next
entry, holds what came early, and forgets what it has had. A batch is then committed as the embedded
runner commits its own: all or nothing, with the offset that it ends at. A sink that is killed reads
again what it had not stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_STORED, Consumer, KafkaException, TopicPartition

from ..broker import Log, Record
from ..brokers import OUTCOMES, Broker, BrokerError
from ..decide import decide, letter_of
from ..events import Event, Label, Reason, Rejected, Transaction, read_event
from ..scorer import Scorer
from ..store import Outcome, Store, StoredLabel
from .wire import HALVES, Kind, decode_answer, read_headers

BATCH = 500
_COMMIT_SECONDS = 1.0


class _Held(NamedTuple):
    """What has come for an entry of the log."""

    said: dict[Kind, tuple[Any, ...]]
    places: list[tuple[int, int]]
    """Where it stands in Kafka: partition and position of each answer."""

    def whole(self) -> bool:
        """Whether nothing is missing: a payment has two halves, anything else is one answer."""
        return len(self.said) == len(HALVES) or not self.said.keys() <= HALVES


class Sink:
    """Carries answers into the store. `scorer()` gives the model for the next batch."""

    def __init__(
        self, broker: Broker, log: Log, store: Store, scorer: Callable[[], Scorer]
    ) -> None:
        self._log = log
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

    def step(self, seconds: float, limit: int = 2 * BATCH) -> int:
        """Take what has come, or comes within `seconds`; returns how many entries were stored.

        Raises BrokerError, or sqlite3.Error when the store takes nothing; nothing is lost then.
        """
        for message in self._consumer.consume(limit, seconds):
            if (error := message.error()) is not None:
                raise BrokerError(f"cannot read {self._topic}: {error.str()}")
            self._hold(message)
        run: list[_Held] = []
        while (held := self._waiting.get(self.offset + 1 + len(run))) is not None and held.whole():
            run.append(held)
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
            for partition, position in held.places:
                begin[partition] = min(begin[partition], position)
        offsets = [TopicPartition(self._topic, *place) for place in begin.items()]
        if offsets:
            try:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException as error:
                raise BrokerError(f"cannot commit to {self._topic}: {error}") from error

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()

    def _hold(self, message: Any) -> None:
        partition, position = message.partition() or 0, message.offset() or 0
        self._positions[partition] = position + 1
        offset, _ = read_headers(message.headers() or ())
        kind, detail = decode_answer(message.value() or b"")
        held = self._waiting.get(offset)
        if offset <= self.offset or (held is not None and kind in held.said):
            self.repeated += 1
        elif held is None:
            self._waiting[offset] = _Held({kind: detail}, [(partition, position)])
        else:
            held.said[kind] = detail
            held.places.append((partition, position))

    def _commit(self, run: list[_Held]) -> None:
        records = self._log.read(self.offset, len(run))
        answered = [(record, held.said) for record, held in zip(records, run, strict=True)]
        self._store.commit(_stored(answered, self._scorer))
        for record in records:
            del self._waiting[record.offset]
        self.offset = records[-1].offset


def _stored(
    answered: list[tuple[Record, dict[Kind, tuple[Any, ...]]]], scorer: Callable[[], Scorer]
) -> Outcome:
    """A batch as it goes into the store."""
    outcome = Outcome(answered[-1][0].offset)
    payments: list[tuple[Record, Transaction]] = []
    features: list[tuple[float, ...]] = []
    for record, said in answered:
        if Kind.OF_CARD in said:
            event = _event(record)
            assert isinstance(event, Transaction)
            payments.append((record, event))
            features.append(said[Kind.OF_CARD] + said[Kind.OF_TERMINAL])  # in that order
        elif Kind.DUPLICATE in said:
            outcome.duplicates += 1
        elif Kind.LETTER in said:
            reason, detail = said[Kind.LETTER]
            outcome.letters.append(letter_of(record, Rejected(Reason(reason), detail)))
        else:
            label = _event(record)
            assert isinstance(label, Label)
            outcome.labels.append(
                StoredLabel(record.offset, label.event_id, label.fraud, record.arrived_at)
            )
    if payments:
        decide(scorer(), outcome, payments, features)
    return outcome


def _event(record: Record) -> Event:
    """The event, which a worker has taken already."""
    event = read_event(record.topic, record.value, record.arrived_at)
    assert not isinstance(event, Rejected)
    return event
