"""The event contract: what a transaction and a label look like, and why an event is refused.

An event is JSON on the wire. `read_event` is the only door into the pipeline: the trainer, the
runner and the API all pass through it, so an event that one of them takes, all of them take.

The schema may grow. A reader takes its own version and every older one, and makes the same event
of them; one that is newer than the reader goes to the dead letters as `unknown-version`, and is
sent again (`dead-letters redrive`) when the reader has been brought up to date.
"""

from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

DAY = 86_400
"""Seconds in a day."""

MAX_LATENESS = 2 * DAY
"""An event may arrive this many seconds after it happened; windows stay open that long."""

MAX_CLOCK_SKEW = 300
"""An event's clock may run ahead of its arrival by this many seconds."""

SCHEMA_VERSION = 1
"""Of the events that this project itself sends."""

NEWEST_VERSION = 2
"""Of the events that it can read."""

UNIT = 100
"""Cents in one currency unit: people read and write units, the machine adds up cents."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
"""Letters, digits and `. _ : -`, at most 64 characters."""

UnixTime = Annotated[int, Field(ge=0, le=4_102_444_800)]
"""Seconds since 1970-01-01 UTC, up to the year 2100."""

Cents = Annotated[int, Field(ge=0, le=100_000_000)]
"""An amount in hundredths of the currency unit: integers add up exactly in any order."""


class Topic(StrEnum):
    """The kinds of event in the log."""

    TRANSACTIONS = "transactions"
    LABELS = "labels"


class Amount(BaseModel):
    """An amount of money. One currency only: adding up several would need their rates."""

    model_config = ConfigDict(strict=True, extra="forbid")

    minor: Cents
    currency: Literal["EUR"]


_CONTRACT = ConfigDict(strict=True, extra="forbid", cache_strings="keys")


@dataclass(config=_CONTRACT, slots=True)  # half the time and memory of a BaseModel
class Transaction:
    """One card payment, version 1 of the contract."""

    version: Literal[1]
    event_id: Identifier
    occurred_at: UnixTime
    card_id: Identifier
    terminal_id: Identifier
    amount_cents: Cents


class TransactionV2(BaseModel):
    """One card payment, version 2: the amount names its currency, and the channel is told.

    Features use neither yet. They stay in the log, so a feature that does can be replayed.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    version: Literal[2]
    event_id: Identifier
    occurred_at: UnixTime
    card_id: Identifier
    terminal_id: Identifier
    amount: Amount
    channel: Literal["chip", "contactless", "online"]

    def brought_down(self) -> Transaction:
        """The payment as the pipeline knows it."""
        return Transaction(
            version=1,
            event_id=self.event_id,
            occurred_at=self.occurred_at,
            card_id=self.card_id,
            terminal_id=self.terminal_id,
            amount_cents=self.amount.minor,
        )


@dataclass(config=_CONTRACT, slots=True)
class Label:
    """What became of a payment, known days later: a chargeback, or its correction."""

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


REUSED = Rejected(Reason.REUSED_ID, "another transaction had this event_id before")


_READERS = {
    Topic.TRANSACTIONS.value: TypeAdapter[Event](Transaction).validator,
    Topic.LABELS.value: TypeAdapter[Event](Label).validator,
}

_READ_V2 = TypeAdapter(TransactionV2).validator
_EXACT = 2.0**53
"""From here on a float no longer names one integer, and further on JSON's writer takes none."""


def read_event(
    topic: str, value: bytes, arrived_at: int, *, newest: int = NEWEST_VERSION
) -> Event | Rejected:
    """Read one event of `topic` that arrived at `arrived_at` (Unix seconds).

    `newest` is the newest version that is taken: 1 reads as this program did before version 2.

    Whether an event is too late depends only on the event and its own arrival, not on what
    else was seen, so every host of the reducer decides alike.
    """
    reader = _READERS.get(topic)
    if reader is None:
        return Rejected(Reason.TOPIC, f"no contract for topic {topic[:64]!r}")
    try:
        event: Event = reader.validate_json(value)
    except ValidationError as error:
        again = _read_with_care(topic, value, error, newest)
        if isinstance(again, Rejected):
            return again
        event = again
    ahead = event.occurred_at - arrived_at
    if ahead > MAX_CLOCK_SKEW:
        return Rejected(Reason.FUTURE, f"occurred_at is {ahead} s after its arrival")
    if ahead < -MAX_LATENESS and isinstance(event, Transaction):
        return Rejected(
            Reason.TOO_LATE, f"arrived {-ahead} s after it happened, limit {MAX_LATENESS} s"
        )
    return event


def _read_with_care(
    topic: str, value: bytes, error: ValidationError, newest: int
) -> Event | Rejected:
    """An event that is none of version 1 at first sight: of another version, or written oddly."""
    try:
        body = _whole_numbers(value)
    except ValueError:
        return _explain(error, newest)
    is_newer = isinstance(body, dict) and body.get("version") == 2 and topic == Topic.TRANSACTIONS
    try:
        if is_newer and newest >= 2:
            payment: TransactionV2 = _READ_V2.validate_python(body)
            return payment.brought_down()
        event: Event = _READERS[topic].validate_json(orjson.dumps(body))
    except ValidationError as again:
        return _explain(again if is_newer and newest >= 2 else error, newest)
    return event


def whole(value: object) -> object:
    """12.0 as 12: JSON has one kind of number, and some senders write integers so."""
    if isinstance(value, dict):
        return {key: whole(one) for key, one in value.items()}
    if isinstance(value, float) and abs(value) < _EXACT and value.is_integer():
        return int(value)
    return value


def _whole_numbers(value: bytes) -> object:
    return whole(orjson.loads(value))


def _explain(error: ValidationError, newest: int) -> Rejected:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    # With another version, other fields are no surprise.
    first = next((one for one in found if one["loc"] == ("version",)), found[0])
    if first["type"] == "json_invalid":
        return Rejected(Reason.NOT_JSON, first["msg"])
    if first["loc"] == ("version",):
        known = " or ".join(str(number + 1) for number in range(newest))
        return Rejected(Reason.VERSION, f"version: Input should be {known}")
    where = ".".join(str(part) for part in first["loc"]) or "event"
    unasked = first["type"] == "unexpected_keyword_argument"
    said = "Extra inputs are not permitted" if unasked else first["msg"]
    return Rejected(Reason.CONTRACT, f"{where}: {said}")
