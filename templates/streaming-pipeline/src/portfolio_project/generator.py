"""What the simulated world sends: payments and their labels on a virtual clock, faults included.

`plan` decides everything up front from a seed, so the truth is known: `Plan.ledger` says how many
events of each kind were sent, and tests and the live page hold the pipeline's counters against it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import orjson
from numpy.typing import NDArray

from .broker import Envelope
from .events import MAX_LATENESS, SCHEMA_VERSION, Reason, Topic
from .features import LABEL_DELAY
from .simulator import Payments

LATE = 60
"""An event that arrives more than so many seconds after it happened is called late."""

_MEAN_DELAY = 2 * 3600
_REDELIVERY = 600


class Kind(StrEnum):
    """What an event of the plan really is, the order being that of `_KINDS`."""

    LABEL = "label"
    ON_TIME = "on-time"
    LATE = "late"
    DUPLICATE = "duplicate"
    TOO_LATE = Reason.TOO_LATE.value
    NOT_JSON = Reason.NOT_JSON.value
    CONTRACT = Reason.CONTRACT.value
    VERSION = Reason.VERSION.value
    FUTURE = Reason.FUTURE.value


_KINDS = tuple(Kind)
_GARBAGE = (Kind.NOT_JSON, Kind.CONTRACT, Kind.VERSION, Kind.FUTURE)
SCORED = (Kind.ON_TIME, Kind.LATE)
"""Kinds that must end in exactly one prediction."""
_SENT_PAYMENTS = (Kind.ON_TIME, Kind.LATE, Kind.DUPLICATE, Kind.TOO_LATE)
_CHANNELS = ("chip", "contactless", "online")
REFUSED = (Kind.TOO_LATE, *_GARBAGE)
"""Kinds that must end in the dead letters, under the reason of that name."""


@dataclass(frozen=True)
class Faults:
    """Share of payments to which each thing happens."""

    late: float = 0.02
    too_late: float = 0.0005
    duplicate: float = 0.005
    malformed: float = 0.002
    new_schema: float = 0.01
    """Sent in version 2 of the contract, which is no fault of theirs."""


NO_FAULTS = Faults(0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Plan:
    """m events in order of arrival; arrays have shape (m,).

    `arrived_at`: Unix seconds; `kind`: index into the kinds; `row`: the payment it is about;
    `modern`: (n,) for each payment, whether its sender has gone over to version 2.
    """

    payments: Payments
    arrived_at: NDArray[np.int64]
    kind: NDArray[np.int64]
    row: NDArray[np.int64]
    modern: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.row)

    def of_new_schema(self, position: int | None = None) -> int:
        """How many of the first `position` events are payments in version 2, repeated or not."""
        payments = np.isin(self.kind[:position], [_KINDS.index(kind) for kind in _SENT_PAYMENTS])
        return int(self.modern[self.row[:position]][payments].sum())

    def ledger(self, position: int | None = None) -> dict[str, int]:
        """How many events of each kind are among the first `position` (default: all)."""
        counts = np.bincount(self.kind[:position], minlength=len(_KINDS)).tolist()
        return {kind.value: count for kind, count in zip(_KINDS, counts, strict=True)}

    def position_at(self, instant: int) -> int:
        """How many events have arrived by `instant` (Unix seconds)."""
        return int(np.searchsorted(self.arrived_at, instant, side="right"))

    def envelopes(self, start: int = 0, stop: int | None = None) -> Iterator[Envelope]:
        """The events from `start` up to `stop`, encoded as they go over the wire."""
        part = slice(start, stop)
        columns = self.arrived_at[part], self.kind[part], self.row[part]
        for arrived_at, kind, row in zip(*(column.tolist() for column in columns), strict=True):
            modern = bool(self.modern[row])
            yield _encode(self.payments, _KINDS[kind], row, arrived_at, modern=modern)


def plan(payments: Payments, *, faults: Faults = NO_FAULTS, seed: int = 0, first: int = 0) -> Plan:
    """Lay out when each payment, each label and each fault arrives.

    Labels come for frauds only, `LABEL_DELAY` after the payment, ahead of payments of the same
    second. Payments before row `first` are history: only their labels are still to come.
    """
    draw = np.random.default_rng(seed)
    rows = np.arange(first, len(payments))
    delay, kind = _delays(draw, len(rows), faults)
    arrival = payments.at[rows] + delay
    frauds = np.flatnonzero(payments.scenario)
    reported = payments.at[frauds] + LABEL_DELAY
    still = frauds[reported >= payments.at[first]] if len(rows) else frauds
    parts = [
        (payments.at[still] + LABEL_DELAY, np.full(len(still), _KINDS.index(Kind.LABEL)), still),
        (arrival, kind, rows),
        _duplicates(draw, arrival, kind, rows, faults.duplicate),
        _garbage(draw, arrival, rows, faults.malformed),
    ]
    arrived_at, kinds, about = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((kinds > 0, arrived_at))
    modern = np.random.default_rng([seed, 2]).random(len(payments)) < faults.new_schema
    return Plan(payments, arrived_at[order], kinds[order], about[order], modern)


Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def _delays(
    draw: np.random.Generator, count: int, faults: Faults
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    fate = draw.random(count)
    waits = draw.exponential(_MEAN_DELAY, count).astype(np.int64) + LATE + 1
    late = np.minimum(waits, MAX_LATENESS - 2 * _REDELIVERY)
    lost = MAX_LATENESS + 1 + waits
    is_lost = fate < faults.too_late
    is_late = ~is_lost & (fate < faults.too_late + faults.late)
    delay = np.where(is_lost, lost, np.where(is_late, late, 0))
    kind = np.full(count, _KINDS.index(Kind.ON_TIME))
    kind[is_late] = _KINDS.index(Kind.LATE)
    kind[is_lost] = _KINDS.index(Kind.TOO_LATE)
    return delay, kind


def _duplicates(
    draw: np.random.Generator,
    arrival: NDArray[np.int64],
    kind: NDArray[np.int64],
    rows: NDArray[np.int64],
    share: float,
) -> Columns:
    again = (draw.random(len(rows)) < share) & (kind != _KINDS.index(Kind.TOO_LATE))
    wait = draw.integers(1, _REDELIVERY, len(rows))
    count = int(again.sum())
    return (arrival + wait)[again], np.full(count, _KINDS.index(Kind.DUPLICATE)), rows[again]


def _garbage(
    draw: np.random.Generator, arrival: NDArray[np.int64], rows: NDArray[np.int64], share: float
) -> Columns:
    chosen = draw.random(len(rows)) < share
    codes = [_KINDS.index(kind) for kind in _GARBAGE]
    return arrival[chosen], draw.choice(codes, int(chosen.sum())), rows[chosen]


def _encode(payments: Payments, kind: Kind, row: int, arrived_at: int, *, modern: bool) -> Envelope:
    if kind is Kind.LABEL:
        return Envelope(arrived_at, Topic.LABELS, encode_label(payments, row))
    body = _transaction(payments, row)
    if kind in _GARBAGE:
        body["event_id"] = f"junk-{row}"
        if kind is Kind.NOT_JSON:
            return Envelope(arrived_at, Topic.TRANSACTIONS, orjson.dumps(body)[: row % 40])
        if kind is Kind.CONTRACT:
            _break(body, row)
        elif kind is Kind.VERSION:
            body["version"] = 99
        else:
            body["occurred_at"] = arrived_at + 3600
    elif modern:
        body = _in_new_schema(body, row)
    return Envelope(arrived_at, Topic.TRANSACTIONS, orjson.dumps(body))


def _transaction(payments: Payments, row: int) -> dict[str, object]:
    return {
        "version": SCHEMA_VERSION,
        "event_id": f"tx-{row}",
        "occurred_at": int(payments.at[row]),
        "card_id": f"card-{payments.customer[row]}",
        "terminal_id": f"term-{payments.terminal[row]}",
        "amount_cents": int(payments.cents[row]),
    }


def _in_new_schema(body: dict[str, object], row: int) -> dict[str, object]:
    amount = {"minor": body.pop("amount_cents"), "currency": "EUR"}
    return body | {"version": 2, "amount": amount, "channel": _CHANNELS[row % 3]}


def encode_label(payments: Payments, row: int) -> bytes:
    """The chargeback of payment `row`, as it goes over the wire."""
    return orjson.dumps(
        {
            "version": SCHEMA_VERSION,
            "event_id": f"tx-{row}",
            "occurred_at": int(payments.at[row]),
            "terminal_id": f"term-{payments.terminal[row]}",
            "fraud": True,
        }
    )


def _break(body: dict[str, object], row: int) -> None:
    """One of the ways in which a sender breaks the contract."""
    match row % 4:
        case 0:
            body["amount_cents"] = -1
        case 1:
            del body["card_id"]
        case 2:
            body["amount_cents"] = "12.50"
        case _:
            body["note"] = "a field that nobody agreed on"
