"""From features to decisions: the last step of every host, a batch at a time."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain

import numpy as np

from .broker import Record
from .events import Reason, Rejected, Transaction
from .generator import LATE
from .scorer import Scorer
from .store import Letter, Outcome

REUSED = Rejected(Reason.REUSED_ID, "another transaction had this event_id before")


def decide(
    scorer: Scorer,
    outcome: Outcome,
    payments: Sequence[tuple[Record, Transaction]],
    features: Sequence[Sequence[float]],
) -> None:
    """Score n > 0 payments by their features, n rows, and add the decisions to `outcome`."""
    flat = array("f", chain.from_iterable(features))
    matrix = np.frombuffer(flat, dtype=np.float32).reshape(len(features), -1)
    scores: list[float] = scorer.score(matrix).tolist()
    packed, width = flat.tobytes(), matrix.strides[0]
    threshold, version = scorer.threshold, scorer.version
    start = 0
    for (record, event), score in zip(payments, scores, strict=True):
        alert = score >= threshold
        outcome.alerts += alert
        outcome.late += record.arrived_at - event.occurred_at > LATE
        outcome.predictions.append(
            (
                record.offset,
                event.event_id,
                event.card_id,
                event.terminal_id,
                event.occurred_at,
                record.arrived_at,
                event.amount_cents,
                score,
                alert,
                version,
                packed[start : start + width],
            )
        )
        start += width


def letter_of(record: Record, refused: Rejected) -> Letter:
    """The dead letter of a refused entry of the log."""
    return Letter(
        record.offset,
        record.topic,
        record.arrived_at,
        refused.reason.value,
        refused.detail,
        record.value,
    )
