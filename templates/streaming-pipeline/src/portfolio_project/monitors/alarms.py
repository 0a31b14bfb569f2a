"""Where alarms are kept: a file of the monitor's own, so watching never holds up deciding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from ..database import connect, writing

_SCHEMA = """
CREATE TABLE IF NOT EXISTS alarms (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  offset INTEGER NOT NULL,
  at INTEGER NOT NULL,
  signal TEXT NOT NULL,
  kind TEXT NOT NULL,
  value REAL NOT NULL,
  "limit" REAL NOT NULL,
  detail TEXT NOT NULL,
  model TEXT NOT NULL,
  UNIQUE (offset, signal, kind)
);
CREATE TABLE IF NOT EXISTS status (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  offset INTEGER NOT NULL,
  body BLOB NOT NULL
);
"""
_LAST = 2**63 - 1
_LATEST = (
    'SELECT id, model, offset, at, signal, kind, value, "limit", detail FROM alarms'
    " WHERE id < :before AND (:kinds = '[]' OR kind IN (SELECT value FROM json_each(:kinds)))"
    " ORDER BY id DESC LIMIT :limit"
)
_INSERT = (
    'INSERT OR IGNORE INTO alarms (offset, at, signal, kind, value, "limit", detail, model)'
    " VALUES (?,?,?,?,?,?,?,?)"
)


class Alarm(NamedTuple):
    """Something changed."""

    offset: int
    """The log's entry at which it was noticed."""
    at: int
    """Arrival of that entry, Unix seconds."""
    signal: str
    kind: str
    """drift (of late), shift (from the reference), late, refused, lag or retrain."""
    value: float
    limit: float
    detail: str


class Kept(NamedTuple):
    """An alarm as it is stored; `id` counts from 1, `model` is the version that served."""

    id: int
    model: str
    alarm: Alarm


class Alarms:
    """The file at `path`. One instance serves one thread."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, _SCHEMA, durable=False)

    def keep(
        self, alarms: Sequence[Alarm], model: str, offset: int, status: dict[str, object]
    ) -> None:
        """Store what was seen up to the log's entry `offset`, all or none; each alarm once."""
        with writing(self._db) as db:
            db.executemany(
                _INSERT,
                [(*alarm, model) for alarm in alarms],
            )
            db.execute(
                "INSERT OR REPLACE INTO status VALUES (1, ?, ?)", (offset, orjson.dumps(status))
            )

    def offset(self) -> int:
        """Up to where the stream was watched."""
        row = self._db.execute("SELECT offset FROM status").fetchone()
        return int(row[0]) if row else 0

    def status(self) -> dict[str, object]:
        """The signals at the last look; empty before the first."""
        row = self._db.execute("SELECT body FROM status").fetchone()
        found: dict[str, object] = orjson.loads(row[0]) if row else {}
        return found

    def latest(
        self, *, before: int | None = None, limit: int = 20, kinds: Sequence[str] = ()
    ) -> list[Kept]:
        """Alarms whose id is under `before`, newest first; of `kinds`, if any are given."""
        rows = self._db.execute(
            _LATEST,
            {
                "before": before if before is not None else _LAST,
                "kinds": orjson.dumps(list(kinds)).decode(),
                "limit": limit,
            },
        )
        return [Kept(row[0], row[1], Alarm(*row[2:])) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
