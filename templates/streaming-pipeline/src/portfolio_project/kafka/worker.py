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
from quixstreams.models import Topic, TopicAdmin, TopicConfig, TopicManager
from quixstreams.state.exceptions import StateRecoveryOffsetOutOfRange

from ..broker import Record
from ..brokers import CARDS, OUTCOMES, TERMINALS, Broker, BrokerError, broker_of
from ..settings import Settings
from .stages import Answered, by_card, by_terminal
from .wire import Headers, read_headers

COMMIT_SECONDS = 1.0
SESSION_MS = 6_000
FETCH_WAIT_MS = 20
"""A question to the broker waits behind a fetch that waits for messages: a start has dozens."""
_STATE_KEY = b"kept"
_PAUSE_SECONDS = 0.2
_log = structlog.get_logger("kafka")

Stage = Callable[[bytes | None, Record], Answered]
Process = Callable[[bytes, bytes, int, Headers, State[Any, Any]], tuple[bytes, ...]]

STAGES: dict[str, Stage] = {TERMINALS: by_terminal, CARDS: by_card}
"""What is done to the messages of a topic."""


def run(settings: Settings, name: str) -> None:
    """One worker, until it is told to stop.

    Raises BrokerError if the settings name no broker, or if it has dropped what was not processed.
    """
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
        except StateRecoveryOffsetOutOfRange as error:
            raise BrokerError(
                f"{broker.address} has dropped entries that no worker had processed; begin with"
                " another kafka_prefix: the log has them still, and the windows are handed over"
            ) from error
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
    """The whole topology, ready to `run`: both stages, and where their answers go.

    An answer keeps the key, the header and the timestamp of what it answers: so quixstreams has
    them already, and nothing is to be encoded but the answer.
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
        auto_recover_from_source_offset_out_of_range=False,  # that would forget all windows
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
        on_consumer_error=_raise,
        loglevel=logging.WARNING,
    )
    outcomes = _topic(app, broker.topic(OUTCOMES))
    for source, stage in STAGES.items():
        messages = app.dataframe(_topic(app, broker.topic(source)))
        answers = messages.apply(_hosted(stage), stateful=True, expand=True, metadata=True)
        answers.to_topic(outcomes)
    return app


def _raise(*_: object) -> bool:
    """Have an error raised and not logged as well: whoever started the worker is told of it."""
    return False


def _hosted(stage: Stage) -> Process:
    """`stage`, with its state in quixstreams' and its record out of Kafka's message."""

    def process(
        value: bytes, _key: bytes, timestamp: int, headers: Headers, state: State[Any, Any]
    ) -> tuple[bytes, ...]:
        offset, topic = read_headers(headers)
        record = Record(offset, timestamp // 1000, topic, value)
        kept, answers = stage(state.get_bytes(_STATE_KEY), record)
        if kept is not None:
            state.set_bytes(_STATE_KEY, kept)
        return answers

    return process


def _topic(app: Application, name: str) -> Topic:
    return app.topic(
        name, key_serializer="bytes", key_deserializer="bytes", value_serializer="bytes",
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
