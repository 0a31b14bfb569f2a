"""What is known when: the join of payments with labels that arrive days later.

A payment counts as genuine when `LABEL_DELAY` has passed without a report. Before that it is
undecided, and no training may use it: a model that trained on it would know the future.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .events import DAY
from .features import LABEL_DELAY
from .table import Table


@dataclass(frozen=True)
class Split:
    """Three spans of time, each from a bound up to but not including the next (Unix seconds).

    Training rows happened in [train_from, train_to); labels are joined as of `cutoff`, when the
    test begins; test rows happened in [cutoff, test_to), and are judged as of `known_at`.
    """

    train_from: int
    train_to: int
    cutoff: int
    test_to: int
    known_at: int


def last_split(table: Table, *, train_days: int, test_days: int) -> Split:
    """The latest train and test spans whose labels have all arrived. Days are UTC days.

    Raises ValueError when the table is too short for it.
    """
    if not len(table):
        raise ValueError("there are no transactions to train on")
    known_at = (int(table.arrived_at.max()) // DAY + 1) * DAY
    test_to = known_at - LABEL_DELAY
    cutoff = test_to - test_days * DAY
    train_to = cutoff - LABEL_DELAY
    train_from = train_to - train_days * DAY
    if train_from < int(table.at.min()) - DAY:
        days = (known_at - train_from) // DAY
        raise ValueError(f"history is too short: training and testing need {days} days of it")
    return Split(train_from, train_to, cutoff, test_to, known_at)


def frauds_known(table: Table, as_of: int) -> NDArray[np.bool_]:
    """(n,) whether each payment had been reported as fraud by `as_of`."""
    return table.reported_at <= as_of


def training_rows(table: Table, split: Split) -> tuple[Table, NDArray[np.bool_]]:
    """The training rows and their labels, as both were known at the cut-off."""
    mask = (table.at >= split.train_from) & (table.at < split.train_to)
    mask &= (table.arrived_at <= split.cutoff) & (table.at <= split.cutoff - LABEL_DELAY)
    rows = table.where(mask)
    return rows, frauds_known(rows, split.cutoff)


def test_rows(table: Table, split: Split) -> tuple[Table, NDArray[np.bool_]]:
    """The test rows and their labels, without cards that were known to be defrauded by then.

    After the Handbook's protocol: on the test's day d, that is every card with a fraud in the
    training span or in the days after it up to d, reports having arrived seven days later.
    """
    truth = frauds_known(table, split.known_at)
    mask = (table.at >= split.cutoff) & (table.at < split.test_to)
    for day in range((split.test_to - split.cutoff) // DAY):
        start = split.cutoff + day * DAY
        reported = truth & (table.at >= split.train_from) & (table.at < start - LABEL_DELAY)
        today = (table.at >= start) & (table.at < start + DAY)
        mask &= ~(today & np.isin(table.card, np.unique(table.card[reported])))
    return table.where(mask), truth[mask]
