"""A Kafka worker: the two stages on quixstreams, which brings them messages and keeps their state.

Any number of workers share the partitions. quixstreams commits what was sent, the state (to a
changelog topic) and the position in the input as one checkpoint; one that dies is followed by
another, which reads the state from the changelog and goes on from the last checkpoint.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import structlog
from quixstreams import Application, State
from quixstreams.checkpointing.exceptions import CheckpointConsumerCommitError
from quixstreams.models import Serializer, Topic, TopicAdmin, TopicConfig, TopicManager

from ..broker import Record
from ..brokers import CARDS, OUTCOMES, TERMINALS, Broker, broker_of
from ..settings import Settings
from .stages import Answer, Message, by_card, by_terminal
from .wire import ASPECT, OFFSET, TOPIC, Headers, read_headers

COMMIT_SECONDS = 1.0
SESSION_MS = 6_000
FETCH_WAIT_MS = 20
"""A question to the broker waits behind a fetch that waits for messages: a start has dozens."""
_STATE_KEY = b"kept"
_PAUSE_SECONDS = 0.2
_log = structlog.get_logger("kafka")

Stage = Callable[[bytes | None, Record], Answer]


STAGES: dict[str, Stage] = {TERMINALS: by_terminal, CARDS: by_card}
"""What is done to the messages of a topic."""


def run(settings: Settings, name: str) -> None:
    """One worker, until it is told to stop. Raises BrokerError if the settings name no broker."""
    broker = broker_of(settings)
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


def application(
    broker: Broker,
    state_dir: Path,
    *,
    name: str,
    exactly_once: bool = False,
    commit_every: int = 0,
) -> Application:
    """The whole topology, ready to `run`: both stages, and where their messages go.

    `name` tells workers apart: one that comes back under its name takes its partitions again.
    """
    guarantee: Literal["at-least-once", "exactly-once"] = (
        "exactly-once" if exactly_once else "at-least-once"
    )
    app = Application(
        broker_address=broker.address,
        consumer_group=broker.workers_group,
        auto_offset_reset="earliest",
        processing_guarantee=guarantee,
        commit_every=commit_every,
        commit_interval=COMMIT_SECONDS,
        state_dir=state_dir,
        topic_manager=_simulated_topics(broker) if broker.simulated else None,
        consumer_extra_config={
            **broker.options,
            "group.instance.id": name,
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": SESSION_MS // 6,
            "fetch.wait.max.ms": FETCH_WAIT_MS,
        },
        producer_extra_config={
            **broker.options,
            "linger.ms": 5,
            "compression.type": "lz4",
        },
        consumer_poll_timeout=0.1,
        loglevel=logging.WARNING,
    )
    topics = {one: _topic(app, broker.topic(one)) for one in (CARDS, TERMINALS, OUTCOMES)}
    for source, stage in STAGES.items():
        stream = app.dataframe(topics[source]).apply(
            _hosted(stage), stateful=True, expand=True, metadata=True
        )
        stream.set_headers(_tell_topic).to_topic(_destination(topics), key=_key)
    return app


def _destination(topics: dict[str, Topic]) -> Callable[[Message, str, int, Headers], Topic]:
    return lambda message, _key, _timestamp, _headers: topics[message.topic]


def _key(message: Message) -> str:
    return message.key


def _hosted(stage: Stage) -> Callable[[bytes, str, int, Headers, State[Any, Any]], list[Message]]:
    """`stage`, with its state in quixstreams' and its record out of Kafka's message."""

    def process(
        value: bytes, _key: str, timestamp: int, headers: Headers, state: State[Any, Any]
    ) -> list[Message]:
        offset, topic = read_headers(headers)
        record = Record(offset, timestamp // 1000, topic, value)
        kept, messages = stage(state.get_bytes(_STATE_KEY), record)
        if kept is not None:
            state.set_bytes(_STATE_KEY, kept)
        return messages

    return process


def _tell_topic(message: Message, _key: str, _timestamp: int, headers: Headers) -> Headers:
    """A terminal's share goes to its card's worker under a topic header of its own."""
    if message.topic != CARDS:
        return headers
    return [(OFFSET, dict(headers)[OFFSET]), (TOPIC, ASPECT.encode())]


class _Value(Serializer):
    def __call__(self, value: Message, *_: Any, **__: Any) -> bytes:
        return value.value


def _topic(app: Application, name: str) -> Topic:
    return app.topic(
        name, key_serializer="str", key_deserializer="str", value_serializer=_Value(),
        value_deserializer="bytes",
    )  # fmt: skip


class _SimulatedAdmin(TopicAdmin):
    """What the mock cluster cannot be asked or told, answered here."""

    def inspect_topics(
        self, topic_names: list[str], timeout: float = 30
    ) -> dict[str, TopicConfig | None]:
        found: dict[str, TopicConfig | None] = {}
        for name in topic_names:
            about = self.admin_client.list_topics(name, timeout=timeout).topics[name]
            kept_for = {"retention.ms": "604800000", "retention.bytes": "-1"}
            found[name] = TopicConfig(
                num_partitions=len(about.partitions), replication_factor=1, extra_config=kept_for
            )
        return found

    def create_topics(
        self, topics: list[Topic], timeout: float = 30, finalize_timeout: float = 60
    ) -> None:
        del finalize_timeout
        for topic in topics:
            self.admin_client.list_topics(topic.name, timeout=timeout)


def _simulated_topics(broker: Broker) -> TopicManager:
    admin = _SimulatedAdmin(broker_address=broker.address)
    return TopicManager(topic_admin=admin, consumer_group=broker.workers_group)
