"""From features to decisions: the last step of every host, a batch at a time."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from .broker import Record
from .events import Reason, Rejected, Transaction
from .generator import LATE
from .scorer import Beside, Scorer
from .store import Letter, Outcome

Decided = tuple[float, bool, str]
"""Score, alert, version of the model."""

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
    threshold, version = scorer.threshold, scorer.version
    scores: list[float] = scorer.score(matrix).tolist()
    decided = [(score, score >= threshold, version) for score in scores]
    if scorer.beside is not None:
        decided = _try_beside(scorer.beside, outcome, payments, matrix, decided)
    outcome.alerts += sum(alert for _, alert, _ in decided)
    outcome.late += sum(one.arrived_at - event.occurred_at > LATE for one, event in payments)
    packed, width = flat.tobytes(), matrix.strides[0]
    outcome.predictions += [
        (
            offset,
            event.event_id,
            event.card_id,
            event.terminal_id,
            event.occurred_at,
            arrived_at,
            event.amount_cents,
            *answer,
            packed[start : start + width],
        )
        for ((offset, arrived_at, _, _), event), answer, start in zip(
            payments, decided, range(0, len(packed), width), strict=True
        )
    ]


def _try_beside(
    challenger: Beside,
    outcome: Outcome,
    payments: Sequence[tuple[Record, Transaction]],
    matrix: NDArray[np.float32],
    decided: list[Decided],
) -> list[Decided]:
    """Note what the challenger says of each payment; where it decides, its answer counts."""
    scores = challenger.scores(matrix)
    if scores is None:
        return decided
    result: list[Decided] = []
    for (record, event), mine, score in zip(payments, decided, scores, strict=True):
        theirs = score, score >= challenger.threshold, challenger.version
        canary = challenger.decides(event.card_id)
        outcome.trials.append(
            (record.offset, challenger.version, score, theirs[1], mine[0], mine[1], canary)
        )
        result.append(theirs if canary else mine)
    return result


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
