"""The training table: what the reducer says of history, replayed in order of arrival."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .archive import pack
from .broker import Envelope
from .events import Label, Rejected, read_event
from .features import FEATURE_NAMES
from .rules import amounts
from .state import KeyedState

NEVER = np.iinfo(np.int64).max
"""`reported_at` of a payment that nobody reported as fraud."""


@dataclass(frozen=True)
class Table:
    """n payments in order of arrival.

    `features`: (n, 19) float32, exactly what the live stream would have scored;
    `at`, `arrived_at`: (n,) Unix seconds; `card`: (n,) a number for each card;
    `reported_at`: (n,) when the payment was reported as fraud, NEVER if it was not.
    """

    features: NDArray[np.float32]
    at: NDArray[np.int64]
    arrived_at: NDArray[np.int64]
    card: NDArray[np.int64]
    reported_at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)

    @property
    def amount(self) -> NDArray[np.float32]:
        """(n,) amounts, in the currency unit."""
        return amounts(self.features)

    def where(self, mask: NDArray[np.bool_]) -> Table:
        """The rows for which `mask` (n,) is true."""
        return Table(**{field.name: getattr(self, field.name)[mask] for field in fields(self)})

    def save(self, path: Path) -> None:
        """Write as .npz; equal tables give equal bytes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack({field.name: getattr(self, field.name) for field in fields(self)}))

    @classmethod
    def load(cls, path: Path) -> Table:
        """Inverse of `save`."""
        with np.load(path, allow_pickle=False) as archive:
            return cls(**{field.name: archive[field.name] for field in fields(cls)})


def replay(events: Iterable[Envelope], state: KeyedState | None = None) -> tuple[Table, KeyedState]:
    """Feed history through the door and the reducer, as the live runner does.

    Returns the table and the state at the end, from which a live stream can go on. Refused events
    and repeated deliveries give no row.
    """
    state = state or KeyedState()
    rows: list[tuple[float, ...]] = []
    stamps: list[tuple[int, int, int, int]] = []
    cards: dict[str, int] = {}
    place: dict[str, int] = {}
    reports: dict[int, int] = {}
    for arrived_at, topic, value in events:
        event = read_event(topic, value, arrived_at)
        if isinstance(event, Rejected):
            continue
        features = state.apply(event)
        if isinstance(event, Label):
            _report(reports, place.get(event.event_id), arrived_at, fraud=event.fraud)
        elif features is not None:
            place[event.event_id] = len(rows)
            rows.append(features)
            card = cards.setdefault(event.card_id, len(cards))
            stamps.append((event.occurred_at, arrived_at, card, NEVER))
    columns = np.array(stamps, dtype=np.int64).reshape(-1, 4).T.copy()
    at, arrived, card_number, reported_at = columns
    if reports:
        reported_at[list(reports)] = list(reports.values())
    matrix = np.array(rows, dtype=np.float32).reshape(-1, len(FEATURE_NAMES))
    return Table(matrix, at, arrived, card_number, reported_at), state


def _report(reports: dict[int, int], row: int | None, arrived_at: int, *, fraud: bool) -> None:
    if row is None:
        return
    if fraud:
        reports.setdefault(row, arrived_at)
    else:
        reports.pop(row, None)
