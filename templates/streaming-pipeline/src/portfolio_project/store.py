"""What the pipeline has made of the log: one SQLite file, which the runner alone moves forward.

`commit` is the only way in, and one transaction: position in the log, predictions, labels, dead
letters, counters and state move together or not at all. That is the whole of "exactly once".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import orjson

from .database import connect, writing
from .state import Row

SCHEMA = """
CREATE TABLE IF NOT EXISTS progress (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  offset INTEGER NOT NULL,
  checkpoint INTEGER NOT NULL
);
INSERT OR IGNORE INTO progress VALUES (1, 0, 0);
CREATE TABLE IF NOT EXISTS predictions (
  offset INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE,
  card_id TEXT NOT NULL,
  terminal_id TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  arrived_at INTEGER NOT NULL,
  amount_cents INTEGER NOT NULL,
  score REAL NOT NULL,
  alert INTEGER NOT NULL,
  model_version TEXT NOT NULL,
  features BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS alerts ON predictions (offset) WHERE alert = 1;
CREATE TABLE IF NOT EXISTS trials (
  offset INTEGER PRIMARY KEY,
  version TEXT NOT NULL,
  score REAL NOT NULL,
  alert INTEGER NOT NULL,
  champion_score REAL NOT NULL,
  champion_alert INTEGER NOT NULL,
  canary INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS labels (
  offset INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL,
  fraud INTEGER NOT NULL,
  arrived_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS labels_of_event ON labels (event_id);
CREATE TABLE IF NOT EXISTS dead_letters (
  offset INTEGER PRIMARY KEY,
  topic TEXT NOT NULL,
  arrived_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  value BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (kind, key)
);
"""


class Prediction(NamedTuple):
    """One decision, as it is stored; `features` is (19,) float32, as the model saw it."""

    offset: int
    event_id: str
    card_id: str
    terminal_id: str
    occurred_at: int
    arrived_at: int
    amount_cents: int
    score: float
    alert: int
    model_version: str
    features: bytes


PredictionRow = tuple[int, str, str, str, int, int, int, float, int, str, bytearray]
"""The columns of a `Prediction`, on their way into the store.

An int and a bytearray, because sqlite3 binds those as they are: for a bool and for bytes it first
looks for an adapter, value by value.
"""


TrialRow = tuple[int, str, float, int, float, int, bool]
"""What a challenger said beside the champion, on its way into the store."""


class StoredLabel(NamedTuple):
    """A label as it arrived."""

    offset: int
    event_id: str
    fraud: int
    arrived_at: int


class Letter(NamedTuple):
    """A refused event with its reason."""

    offset: int
    topic: str
    arrived_at: int
    reason: str
    detail: str
    value: bytes


class Position(NamedTuple):
    """How far the log is done, and up to where the stored state reaches."""

    offset: int
    checkpoint: int


@dataclass
class Outcome:
    """What a batch came to; `offset` is that of its last record."""

    offset: int
    predictions: list[PredictionRow] = field(default_factory=list)
    trials: list[TrialRow] = field(default_factory=list)
    alerts: int = 0
    labels: list[StoredLabel] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    duplicates: int = 0
    late: int = 0

    def counts(self) -> dict[str, int]:
        """What it adds to the counters."""
        return {
            "predictions": len(self.predictions),
            "alerts": self.alerts,
            "labels": len(self.labels),
            "dead_letters": len(self.letters),
            "duplicates": self.duplicates,
            "late": self.late,
        }


class Store:
    """The store in the file at `path`. One instance serves one thread."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, SCHEMA, durable=False)

    def position(self) -> Position:
        """Where the runner stands."""
        row = self._db.execute("SELECT offset, checkpoint FROM progress").fetchone()
        return Position(*row)

    def commit(self, outcome: Outcome, state: Sequence[Row] | None = None) -> None:
        """Store a batch, and the changed `state` if this is a checkpoint, in one transaction.

        Raises sqlite3.Error (a full disk, say), and nothing is stored then.
        """
        with writing(self._db) as db:
            db.executemany(_INSERT_PREDICTION, outcome.predictions)
            db.executemany("INSERT INTO trials VALUES (?,?,?,?,?,?,?)", outcome.trials)
            db.executemany("INSERT INTO labels VALUES (?,?,?,?)", outcome.labels)
            db.executemany("INSERT INTO dead_letters VALUES (?,?,?,?,?,?)", outcome.letters)
            db.executemany(_COUNT, [pair for pair in outcome.counts().items() if pair[1]])
            db.execute("UPDATE progress SET offset = ?", (outcome.offset,))
            if state is not None:
                self._write_state(state)
                db.execute("UPDATE progress SET checkpoint = ?", (outcome.offset,))

    def bootstrap(self, state: Iterable[Row]) -> None:
        """Start from the state that a replay of history ended in, before the first event.

        Raises ValueError if events were processed already.
        """
        with writing(self._db) as db:
            if self.position().offset:
                raise ValueError("the stream has begun; its state cannot be replaced")
            db.execute("DELETE FROM state")
            self._write_state(state)

    def state(self) -> list[Row]:
        """Every entity's state as of the last checkpoint."""
        rows = self._db.execute("SELECT kind, key, data FROM state")
        return [Row(*row) for row in rows]

    def known(self, event_ids: Sequence[str]) -> dict[str, int]:
        """Those of `event_ids` that have a prediction, and the offset of each."""
        rows = self._db.execute(
            "SELECT event_id, offset FROM predictions"
            " WHERE event_id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(event_ids).decode(),),
        )
        return dict(rows.fetchall())

    def predicted(self, after: int, until: int) -> set[int]:
        """Offsets in (after, until] that ended in a prediction."""
        rows = self._db.execute(
            "SELECT offset FROM predictions WHERE offset > ? AND offset <= ?", (after, until)
        )
        return {row[0] for row in rows}

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _write_state(self, rows: Iterable[Row]) -> None:
        kept: list[Row] = []
        gone: list[tuple[str, str]] = []
        for row in rows:
            if row.data is None:
                gone.append((row.kind, row.key))
            else:
                kept.append(row)
        self._db.executemany("INSERT OR REPLACE INTO state VALUES (?,?,?)", kept)
        self._db.executemany("DELETE FROM state WHERE kind = ? AND key = ?", gone)


_INSERT_PREDICTION = "INSERT INTO predictions VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_COUNT = (
    "INSERT INTO counters VALUES (?,?)"
    " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"
)
