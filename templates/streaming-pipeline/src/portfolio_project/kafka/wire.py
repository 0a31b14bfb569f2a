"""What goes over the topics: entries of the log as they are, and what became of them.

A message carries an event's own JSON. Its place in the log and its topic there are in headers, its
arrival is the message's timestamp, so any Kafka tool shows what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from ..broker import Record

OFFSET = "offset"
TOPIC = "topic"

SEED = "seed"
"""Topic header of a message that brings stored windows instead of an event."""

ASPECT = "terminal-features"
"""Topic header of what a terminal's worker says of a payment."""

Headers = Sequence[tuple[str, Any]]
"""As quixstreams gives them: names, and bytes."""


class Kind(StrEnum):
    """What became of an entry of the log."""

    FEATURES = "features"
    DUPLICATE = "duplicate"
    LABEL = "label"
    LETTER = "dead-letter"


class Outcome(NamedTuple):
    """What became of one entry: its features, say, or the reason why it was refused."""

    record: Record
    kind: Kind
    detail: list[Any]

    def encode(self) -> bytes:
        """A JSON line, then the event as it was sent."""
        record = self.record
        head = [self.kind.value, record.offset, record.arrived_at, record.topic, self.detail]
        return orjson.dumps(head, option=orjson.OPT_APPEND_NEWLINE) + record.value


def decode_outcome(data: bytes) -> Outcome:
    """Inverse of `Outcome.encode`."""
    head, _, value = data.partition(b"\n")
    kind, offset, arrived_at, topic, detail = orjson.loads(head)
    return Outcome(Record(offset, arrived_at, topic, value), Kind(kind), detail)


def headers_of(offset: int, topic: str) -> dict[str, bytes]:
    """The headers of an entry of the log."""
    return {OFFSET: b"%d" % offset, TOPIC: topic.encode()}


def read_headers(headers: Headers) -> tuple[int, str]:
    """Offset and topic of an entry of the log."""
    found = dict(headers)
    return int(found[OFFSET]), found[TOPIC].decode()
