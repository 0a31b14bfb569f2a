"""Where the events go: the setting `broker_url`, read, and the topics that lie there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .settings import Settings

CARDS = "cards"
"""Payments by card."""

TERMINALS = "terminals"
"""Payments and labels by terminal."""

OUTCOMES = "outcomes"
"""What the workers say of each entry of the log."""


class BrokerError(Exception):
    """The broker's address is wrong, or it cannot be used; the text says how."""


@dataclass(frozen=True)
class Broker:
    """A Kafka cluster, and the names that this project uses there."""

    address: str
    """HOST:PORT, or several with commas between."""
    prefix: str
    """Of the topics and of the consumer groups."""
    partitions: int
    simulated: bool = False
    """Whether it is librdkafka's mock cluster, which has no administration."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further settings of librdkafka, such as those of TLS and SASL."""

    @property
    def client(self) -> dict[str, str]:
        """What each client is configured with."""
        return {"bootstrap.servers": self.address, **self.options}

    def topic(self, name: str) -> str:
        """The full name of a topic."""
        return f"{self.prefix}.{name}"

    @property
    def workers_group(self) -> str:
        """The consumer group of the workers."""
        return f"{self.prefix}.workers"

    @property
    def sink_group(self) -> str:
        """The consumer group of the sink."""
        return f"{self.prefix}.sink"

    def changelog(self, name: str) -> str:
        """Where quixstreams keeps the state of what is made of topic `name`."""
        return f"changelog__{self.workers_group}--{self.topic(name)}--default"

    def topics(self) -> tuple[str, ...]:
        """Every topic but the changelogs."""
        return tuple(self.topic(name) for name in (CARDS, TERMINALS, OUTCOMES))


def broker_of(settings: Settings) -> Broker:
    """The broker that `settings` name. Raises BrokerError if they name none."""
    scheme, _, address = settings.broker_url.partition("://")
    if scheme not in {"kafka", "kafka-mock"} or not address:
        raise BrokerError(
            f"broker_url {settings.broker_url!r} names no broker; give kafka://HOST:PORT"
        )
    return Broker(
        address,
        settings.kafka_prefix,
        settings.kafka_partitions,
        simulated=scheme == "kafka-mock",
        options=settings.kafka_options,
    )
