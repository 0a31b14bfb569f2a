"""What the API reads: decisions, windows, counters and dead letters, each as of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .database import connect, reading
from .features import NEW_CARD, NEW_TERMINAL, Card, State, Terminal
from .state import decode_card, decode_terminal
from .store import SCHEMA, Letter, Position, Prediction


@dataclass(frozen=True)
class Counters:
    """Totals since the stream began; `offset` is the last log entry that is in them."""

    offset: int
    predictions: int = 0
    alerts: int = 0
    labels: int = 0
    dead_letters: int = 0
    duplicates: int = 0
    late: int = 0


@dataclass(frozen=True)
class Comparison:
    """A challenger beside the champion, on the same payments."""

    payments: int = 0
    canary: int = 0
    """Of the payments: those that the challenger decided."""
    alerts: int = 0
    champion_alerts: int = 0
    disagreements: int = 0
    """Payments that only one of the two would have raised."""
    mean_difference: float = 0.0
    """Of the two scores, absolute."""
    frauds: int = 0
    """Of the payments: reported as fraud since."""
    found: int = 0
    champion_found: int = 0


class View:
    """Reads of the store at `path`. One instance serves one thread."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, SCHEMA, durable=False)

    def counters(self) -> Counters:
        """All counters as of one commit."""
        with reading(self._db) as db:
            offset = db.execute("SELECT offset FROM progress").fetchone()[0]
            counts = dict(db.execute("SELECT name, value FROM counters").fetchall())
        return Counters(offset, **counts)

    def letters_by_reason(self) -> dict[str, int]:
        """How many events were refused, by reason."""
        rows = self._db.execute("SELECT reason, count(*) FROM dead_letters GROUP BY reason")
        return dict(rows.fetchall())

    def windows(self, card_id: str, terminal_id: str) -> tuple[State, int]:
        """The stored windows of a card and a terminal, and the offset up to which they reach."""
        with reading(self._db) as db:
            card = self._row("card", card_id)
            terminal = self._row("terminal", terminal_id)
            position = Position(*db.execute("SELECT offset, checkpoint FROM progress").fetchone())
        state = State(
            decode_card(card) if card else NEW_CARD,
            decode_terminal(terminal) if terminal else NEW_TERMINAL,
        )
        return state, position.checkpoint

    def card(self, card_id: str) -> Card | None:
        """A card's windows, None if it is unknown or has been idle for longer than they reach."""
        data = self._row("card", card_id)
        return decode_card(data) if data else None

    def terminal(self, terminal_id: str) -> Terminal | None:
        """A terminal's windows, None as for a card."""
        data = self._row("terminal", terminal_id)
        return decode_terminal(data) if data else None

    def prediction(self, event_id: str) -> Prediction | None:
        """The decision on one event."""
        row = self._db.execute(
            "SELECT * FROM predictions WHERE event_id = ?", (event_id,)
        ).fetchone()
        return Prediction(*row) if row else None

    def label(self, event_id: str) -> bool | None:
        """What was last reported of a transaction: fraud or not; None if nothing was."""
        row = self._db.execute(
            "SELECT fraud FROM labels WHERE event_id = ? ORDER BY offset DESC LIMIT 1", (event_id,)
        ).fetchone()
        return bool(row[0]) if row else None

    def predictions(
        self, *, before: int | None = None, limit: int, alerts_only: bool = False
    ) -> list[Prediction]:
        """Decisions before the offset `before`, newest first."""
        rows = self._db.execute(
            _RECENT_ALERTS if alerts_only else _RECENT,
            (before if before is not None else _LAST, limit),
        )
        return [Prediction(*row) for row in rows]

    def predictions_after(self, offset: int, limit: int) -> list[Prediction]:
        """The next decisions behind `offset`, oldest first."""
        rows = self._db.execute(
            "SELECT * FROM predictions WHERE offset > ? ORDER BY offset LIMIT ?", (offset, limit)
        )
        return [Prediction(*row) for row in rows]

    def letters_between(self, after: int, until: int) -> list[Letter]:
        """Dead letters with offsets in (after, until], oldest first."""
        rows = self._db.execute(
            "SELECT * FROM dead_letters WHERE offset > ? AND offset <= ? ORDER BY offset",
            (after, until),
        )
        return [Letter(*row) for row in rows]

    def comparison(self, version: str, latest: int = 50_000) -> Comparison:
        """The trial of `version`, over at most so many of its latest payments."""
        with reading(self._db) as db:
            first = db.execute(_FIRST_TRIED, (version, latest)).fetchone()[0]
            if first is None:
                return Comparison()
            counts = db.execute(_TRIED, (version, first)).fetchone()
            found = db.execute(_TRIED_FRAUDS, (version, first)).fetchone()
        return Comparison(*counts, *(int(one or 0) for one in found))

    def newest(self) -> int:
        """Offset of the newest decision, 0 if there is none."""
        row = self._db.execute("SELECT max(offset) FROM predictions").fetchone()
        return int(row[0] or 0)

    def letters(self, *, before: int | None, limit: int) -> list[Letter]:
        """Dead letters before the offset `before`, newest first."""
        rows = self._db.execute(
            "SELECT * FROM dead_letters WHERE offset < ? ORDER BY offset DESC LIMIT ?",
            (before if before is not None else _LAST, limit),
        )
        return [Letter(*row) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _row(self, kind: str, key: str) -> bytes | None:
        row: tuple[bytes] | None = self._db.execute(
            "SELECT data FROM state WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        return row[0] if row else None


_LAST = 2**63 - 1
_RECENT = "SELECT * FROM predictions WHERE offset < ? ORDER BY offset DESC LIMIT ?"
_RECENT_ALERTS = (
    "SELECT * FROM predictions WHERE offset < ? AND alert = 1 ORDER BY offset DESC LIMIT ?"
)
_FIRST_TRIED = (
    "SELECT min(offset) FROM (SELECT offset FROM trials WHERE version = ?"
    " ORDER BY offset DESC LIMIT ?)"
)
_TRIED = (
    "SELECT count(*), sum(canary), sum(alert), sum(champion_alert), sum(alert != champion_alert),"
    " avg(abs(score - champion_score)) FROM trials WHERE version = ? AND offset >= ?"
)
_TRIED_FRAUDS = (
    "SELECT count(*), sum(trials.alert), sum(trials.champion_alert) FROM trials"
    " JOIN predictions USING (offset) WHERE trials.version = ? AND trials.offset >= ?"
    " AND event_id IN (SELECT event_id FROM labels GROUP BY event_id HAVING sum(2 * fraud - 1) > 0)"
)
