"""From features to decisions: the last step of every host, a batch at a time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from .broker import Record
from .events import Rejected, Transaction
from .generator import LATE
from .scorer import Beside, Scorer
from .store import Letter, Outcome

Decided = tuple[float, int, str]
"""Score, alert (1 or 0), version of the model."""


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
    threshold = scorer.threshold
    alerts = [1 if score >= threshold else 0 for score in scores]
    versions: Iterable[str] = repeat(scorer.version)
    if scorer.beside is not None:
        own = list(zip(scores, alerts, versions, strict=False))
        decided = _try_beside(scorer.beside, outcome, payments, matrix, own)
        scores, alerts, versions = (list(column) for column in zip(*decided, strict=True))
    outcome.alerts += sum(alerts)
    outcome.late += sum([one.arrived_at - event.occurred_at > LATE for one, event in payments])
    packed, width = bytearray(flat), matrix.strides[0]
    starts = range(0, len(packed), width)
    outcome.predictions += [
        (
            offset,
            event.event_id,
            event.card_id,
            event.terminal_id,
            event.occurred_at,
            arrived_at,
            event.amount_cents,
            score,
            alert,
            version,
            packed[start : start + width],
        )
        for ((offset, arrived_at, _, _), event), score, alert, version, start in zip(
            payments, scores, alerts, versions, starts, strict=False
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
        theirs = score, int(score >= challenger.threshold), challenger.version
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
