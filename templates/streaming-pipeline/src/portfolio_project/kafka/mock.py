"""A broker in this process, for tests and benchmarks: librdkafka's mock cluster.

It speaks Kafka's protocol on loopback, consumer groups and rebalances included, so workers in
other processes use it as they use a real one. What it is not: it keeps the last 5 MB of each
partition and nothing on disk, it cannot be administered, and its transactions hold nothing back.
So topics are made here, and whatever rests on transactions is tried on a real broker only.
"""

from __future__ import annotations

import ctypes
import os
import secrets
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import confluent_kafka.cimpl

from ..brokers import CARDS, TERMINALS, Broker, broker_of
from ..serving import load_settings
from ..settings import Settings
from .topics import create_topics

_ERROR_SIZE = 512
_PRODUCER = 0


class MockBroker:
    """A mock cluster of one broker that lives as long as the `with` block."""

    def __init__(self, topics: Iterable[str], partitions: int) -> None:
        self._library = _library()
        self._topics = tuple(topics)
        self._partitions = partitions
        self._client: int | None = None
        self._cluster: int | None = None

    @property
    def address(self) -> str:
        """HOST:PORT."""
        found: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return found.decode()

    def __enter__(self) -> Self:
        """Start it, with all topics."""
        library = self._library
        text = ctypes.create_string_buffer(_ERROR_SIZE)
        configuration = library.rd_kafka_conf_new()
        library.rd_kafka_conf_set(configuration, b"log_level", b"3", text, _ERROR_SIZE)
        self._client = library.rd_kafka_new(_PRODUCER, configuration, text, _ERROR_SIZE)
        if not self._client:
            raise OSError(text.value.decode())
        self._cluster = library.rd_kafka_mock_cluster_new(self._client, 1)
        if not self._cluster:
            raise OSError("librdkafka could not start its mock cluster")
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        for topic in self._topics:
            library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), self._partitions, 1)
        return self

    def __exit__(self, *_: object) -> None:
        """End it; what it held is gone."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)


@contextmanager
def any_broker(
    folder: Path, partitions: int, **changes: object
) -> Generator[tuple[Broker, Settings]]:
    """A broker with topics of its own, and settings for it whose data is in `folder`.

    It is the one that the environment's KAFKA_BOOTSTRAP_SERVERS names; without that, a mock one.
    """
    prefix = f"try-{secrets.token_hex(4)}"
    settings = load_settings(
        Settings,
        data_dir=folder,
        broker_url="kafka://to-be-found",
        kafka_prefix=prefix,
        kafka_partitions=partitions,
        **changes,
    )
    plain = broker_of(settings)
    with ExitStack() as stack:
        if servers := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
            url = f"kafka://{servers}"
        else:
            logs = [plain.changelog(name) for name in (CARDS, TERMINALS)]
            mock = stack.enter_context(MockBroker([*plain.topics(), *logs], partitions))
            url = f"kafka-mock://{mock.address}"
        settings = settings.model_copy(update={"broker_url": url})
        broker = broker_of(settings)
        if not broker.simulated:
            create_topics(broker)
        yield broker, settings


def _library() -> ctypes.CDLL:
    """The librdkafka that confluent-kafka carries, with the types of what is called here."""
    library = ctypes.CDLL(confluent_kafka.cimpl.__file__)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library
