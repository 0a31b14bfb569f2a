"""The event contract: what a transaction and a label look like, and why an event is refused.

An event is JSON on the wire. `read_event` is the only door into the pipeline: the trainer, the
runner and the API all pass through it, so an event that one of them takes, all of them take.
A new schema version is a new model in `_READERS`, brought up to the newest one when it is read.
"""

from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

DAY = 86_400
"""Seconds in a day."""

MAX_LATENESS = 2 * DAY
"""An event may arrive this many seconds after it happened; windows stay open that long."""

MAX_CLOCK_SKEW = 300
"""An event's clock may run ahead of its arrival by this many seconds."""

SCHEMA_VERSION = 1

UNIT = 100
"""Cents in one currency unit: people read and write units, the machine adds up cents."""

Identifier = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", max_length=64),
]
"""Letters, digits and `. _ : -`, at most 64 characters."""

UnixTime = Annotated[int, Field(ge=0, le=4_102_444_800)]
"""Seconds since 1970-01-01 UTC, up to the year 2100."""

Cents = Annotated[int, Field(ge=0, le=100_000_000)]
"""An amount in hundredths of the currency unit: integers add up exactly in any order."""


class Topic(StrEnum):
    """The kinds of event in the log."""

    TRANSACTIONS = "transactions"
    LABELS = "labels"


class Transaction(BaseModel):
    """One card payment, version 1 of the contract."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "event_id": "tx-1024",
                    "occurred_at": 1_532_520_000,
                    "card_id": "card-7",
                    "terminal_id": "term-31",
                    "amount_cents": 5716,
                }
            ]
        },
    )

    version: Literal[1]
    event_id: Identifier
    occurred_at: UnixTime
    card_id: Identifier
    terminal_id: Identifier
    amount_cents: Cents


class Label(BaseModel):
    """What became of a payment, known days later: a chargeback, or its correction."""

    model_config = ConfigDict(strict=True, extra="forbid")

    version: Literal[1]
    event_id: Identifier
    """The transaction's id."""
    occurred_at: UnixTime
    """When the transaction happened (not when the label was made)."""
    terminal_id: Identifier
    fraud: bool


Event = Transaction | Label


class Reason(StrEnum):
    """Why an event was set aside; the wording that dead letters and counters use."""

    NOT_JSON = "not-json"
    CONTRACT = "breaks-contract"
    VERSION = "unknown-version"
    TOO_LATE = "too-late"
    FUTURE = "from-the-future"
    REUSED_ID = "event-id-reused"
    TOPIC = "unknown-topic"


class Rejected(NamedTuple):
    """A refused event: the reason, and one line that says what is wrong with it."""

    reason: Reason
    detail: str


_READERS = {
    Topic.TRANSACTIONS.value: TypeAdapter[Event](Transaction).validator,
    Topic.LABELS.value: TypeAdapter[Event](Label).validator,
}


def read_event(topic: str, value: bytes, arrived_at: int) -> Event | Rejected:
    """Read one event of `topic` that arrived at `arrived_at` (Unix seconds).

    Whether an event is too late depends only on the event and its own arrival, not on what
    else was seen, so every host of the reducer decides alike.
    """
    reader = _READERS.get(topic)
    if reader is None:
        return Rejected(Reason.TOPIC, f"no contract for topic {topic[:64]!r}")
    try:
        event: Event = reader.validate_json(value)
    except ValidationError as error:
        try:
            event = reader.validate_python(_whole_numbers(value))
        except (ValidationError, ValueError):
            return _explain(error)
    ahead = event.occurred_at - arrived_at
    if ahead > MAX_CLOCK_SKEW:
        return Rejected(Reason.FUTURE, f"occurred_at is {ahead} s after its arrival")
    if ahead < -MAX_LATENESS and isinstance(event, Transaction):
        return Rejected(
            Reason.TOO_LATE, f"arrived {-ahead} s after it happened, limit {MAX_LATENESS} s"
        )
    return event


def whole(value: object) -> object:
    """12.0 as 12: JSON has one kind of number, and some senders write integers so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _whole_numbers(value: bytes) -> object:
    body = orjson.loads(value)
    return {key: whole(one) for key, one in body.items()} if isinstance(body, dict) else body


def _explain(error: ValidationError) -> Rejected:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Rejected(Reason.NOT_JSON, first["msg"])
    where = ".".join(str(part) for part in first["loc"]) or "event"
    reason = Reason.VERSION if first["loc"] == ("version",) else Reason.CONTRACT
    return Rejected(reason, f"{where}: {first['msg']}")
