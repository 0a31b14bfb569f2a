"""The embedded broker: an append-only log of events in SQLite, read by offset.

It does what a broker with one partition does: it takes events in batches, all or none, numbers
them in order of arrival, keeps them through kills and power cuts, and lets any number of readers
follow. On Kafka, its place is taken by topics; nothing that reads or appends events can tell.
"""

import time
from collections.abc import Callable, Iterable
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import orjson

from .database import connect, writing

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
  offset INTEGER PRIMARY KEY AUTOINCREMENT,
  arrived_at INTEGER NOT NULL,
  topic TEXT NOT NULL,
  value BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS producers (
  name TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  ledger TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS redriven (letter INTEGER PRIMARY KEY, offset INTEGER NOT NULL);
"""


class Envelope(NamedTuple):
    """An event on its way: arrival time (Unix seconds), topic, and the bytes as sent."""

    arrived_at: int
    topic: str
    value: bytes


class Record(NamedTuple):
    """An event in the log; `offset` counts from 1."""

    offset: int
    arrived_at: int
    topic: str
    value: bytes


class Progress(NamedTuple):
    """How far a producer has come in its plan, and what it says it has sent, by kind."""

    position: int
    ledger: dict[str, int]


class Log:
    """The log in the file at `path`. One instance serves one thread."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, _SCHEMA, durable=True)

    def append(
        self,
        events: Iterable[Envelope],
        *,
        producer: str | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Append a batch, all or none; returns the offset of its last event.

        Arrival never runs backwards: an event that claims to have arrived before the last one
        gets the last one's arrival. A `producer` stores its `progress` in the same transaction,
        so one that is killed goes on exactly where it stopped.
        """
        with writing(self._db):
            latest = self._latest()
            rows: list[tuple[int, str, bytes]] = []
            for arrived_at, topic, value in events:
                latest = max(latest, arrived_at)
                rows.append((latest, topic, value))
            self._db.executemany("INSERT INTO log (arrived_at, topic, value) VALUES (?,?,?)", rows)
            if producer is not None and progress is not None:
                self._db.execute(
                    "INSERT OR REPLACE INTO producers VALUES (?,?,?)",
                    (producer, progress.position, orjson.dumps(progress.ledger).decode()),
                )
            return self.end()

    def redrive(self, letters: Iterable[tuple[int, Envelope]]) -> int:
        """Append again what was refused, by the offset that it had; returns how many were.

        Whatever was redriven before is left out: that is noted in the same transaction.
        """
        sent = 0
        with writing(self._db) as db:
            latest = self._latest()
            for letter, (arrived_at, topic, value) in letters:
                if db.execute("SELECT 1 FROM redriven WHERE letter = ?", (letter,)).fetchone():
                    continue
                latest = max(latest, arrived_at)
                row = db.execute(
                    "INSERT INTO log (arrived_at, topic, value) VALUES (?,?,?)",
                    (latest, topic, value),
                )
                db.execute("INSERT INTO redriven VALUES (?,?)", (letter, row.lastrowid))
                sent += 1
        return sent

    def redriven(self) -> dict[int, int]:
        """Which refused entries were appended again, and at which offset."""
        return dict(self._db.execute("SELECT letter, offset FROM redriven").fetchall())

    def read(self, after: int, limit: int) -> list[Record]:
        """At most `limit` events behind the offset `after`, in order."""
        rows = self._db.execute(
            "SELECT offset, arrived_at, topic, value FROM log WHERE offset > ? ORDER BY offset"
            " LIMIT ?",
            (after, limit),
        )
        return list(map(tuple.__new__, repeat(Record), rows))  # half the time of Record._make

    def end(self) -> int:
        """The last offset, 0 for an empty log."""
        last: int | None = self._db.execute("SELECT max(offset) FROM log").fetchone()[0]
        return last or 0

    def first_arrival(self) -> int | None:
        """When the first event arrived (Unix seconds), None for an empty log."""
        row = self._db.execute("SELECT arrived_at FROM log ORDER BY offset LIMIT 1").fetchone()
        return int(row[0]) if row else None

    def latest_arrival(self) -> int | None:
        """When the last event arrived (Unix seconds), None for an empty log."""
        return self._latest() or None

    def progress(self, producer: str) -> Progress:
        """Where `producer` stopped; nothing sent if it never ran."""
        row = self._db.execute(
            "SELECT position, ledger FROM producers WHERE name = ?", (producer,)
        ).fetchone()
        return Progress(row[0], orjson.loads(row[1])) if row else Progress(0, {})

    def sent(self) -> dict[str, int]:
        """What all producers together say they have sent, by kind."""
        total: dict[str, int] = {}
        for (ledger,) in self._db.execute("SELECT ledger FROM producers"):
            for kind, count in orjson.loads(ledger).items():
                total[kind] = total.get(kind, 0) + count
        return total

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _latest(self) -> int:
        row = self._db.execute("SELECT arrived_at FROM log ORDER BY offset DESC LIMIT 1").fetchone()
        return int(row[0]) if row else 0


def arrival_clock(log: Log, *, virtual: bool) -> Callable[[], int]:
    """Now, for an event that arrives at the API: the wall clock, or the log's own virtual time."""
    if virtual:
        return lambda: log.latest_arrival() or int(time.time())
    return lambda: int(time.time())
