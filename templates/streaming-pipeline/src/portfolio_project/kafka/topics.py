"""Makes the topics that are missing, explicitly: their number of partitions is part of the design.

A key's windows live where its partition is read, so the number cannot change under running workers.
"""

from __future__ import annotations

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from ..brokers import Broker, BrokerError

_WAIT_SECONDS = 5.0


def create_topics(broker: Broker) -> list[str]:
    """Create what is missing; returns the names of what was created.

    Raises BrokerError if the broker does not answer, or a topic has another number of partitions.
    """
    admin = AdminClient(broker.client)
    try:
        found = admin.list_topics(timeout=_WAIT_SECONDS).topics
    except KafkaException as error:
        raise BrokerError(f"no Kafka broker answers at {broker.address}") from error
    missing = [name for name in broker.topics() if name not in found]
    for name in set(broker.topics()) - set(missing):
        count = len(found[name].partitions)
        if count != broker.partitions:
            raise BrokerError(
                f"topic {name} has {count} partitions, kafka_partitions says {broker.partitions}"
            )
    if not missing:
        return []
    wanted = [NewTopic(name, broker.partitions, -1) for name in missing]
    for name, done in admin.create_topics(wanted).items():
        try:
            done.result(_WAIT_SECONDS)
        except KafkaException as error:
            raise BrokerError(f"topic {name} cannot be created: {error}") from error
    return missing
