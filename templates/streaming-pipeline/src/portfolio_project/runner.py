"""The stream processor: reads the log in batches, and commits each batch whole.

A batch is decided in memory (door, reducer, model) and stored in one transaction with the position
that it ends at. Killed at any point, the runner starts again from that position: an event has
been counted once or not yet, never twice and never half.

State is stored when the runner has caught up with the log, and every `CHECKPOINT_EVENTS` events
while it has not. In between it can be had again by replaying the log from the last checkpoint,
because the reducer is pure.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from .broker import Log, Record
from .decide import decide, letter_of
from .events import DAY, REUSED, Label, Rejected, Transaction, read_event
from .features import Features
from .scorer import Scorer
from .state import KeyedState
from .store import Outcome, Store, StoredLabel

BATCH = 500
CHECKPOINT_EVENTS = 50_000


class Runner:
    """Carries the log at its pace into the store. `scorer()` gives the model for the next batch."""

    def __init__(self, log: Log, store: Store, scorer: Callable[[], Scorer]) -> None:
        """Recover the state as of the last commit."""
        self._log = log
        self._store = store
        self._scorer = scorer
        self.offset, self._checkpoint = store.position()
        self._state = KeyedState(store.state())
        self._swept = 0
        self._used: set[str] = set()  # ids that a payment of this batch may not have
        self._recover()

    def run_once(self, limit: int = BATCH) -> int:
        """Process the next batch of at most `limit` records; returns how many there were.

        After an exception this instance is spent: make a new one, which recovers.
        """
        records = self._log.read(self.offset, limit)
        if not records:
            self.save()
            return 0
        try:
            self._process(records, caught_up=len(records) < limit)
        except sqlite3.IntegrityError:
            # Somebody used an event_id twice. That is rare, so it is only looked for when it
            # has happened: the batch left no trace in the store, and is done again with care.
            self._start_again(records)
            self._process(records, caught_up=True)
        return len(records)

    def _process(self, records: list[Record], *, caught_up: bool) -> None:
        outcome = self._decide(records)
        if caught_up or outcome.offset - self._checkpoint >= CHECKPOINT_EVENTS:
            self._sweep(records[-1].arrived_at)
            self._store.commit(outcome, self._state.changes())
            self._checkpoint = outcome.offset
        else:
            self._store.commit(outcome)
        self.offset = outcome.offset
        self._used.clear()

    def _start_again(self, records: list[Record]) -> None:
        self.offset, self._checkpoint = self._store.position()
        self._state = KeyedState(self._store.state())
        self._recover()
        events = [read_event(record.topic, record.value, record.arrived_at) for record in records]
        ids = [event.event_id for event in events if isinstance(event, Transaction)]
        self._used = set(self._store.known(ids))

    def save(self) -> None:
        """Store the state of a stream that is at rest, unless that is done."""
        if self._checkpoint < self.offset:
            self._store.commit(Outcome(self.offset), self._state.changes())
            self._checkpoint = self.offset

    def drain(self, limit: int = BATCH) -> int:
        """Process everything that is in the log now; returns how many records that was."""
        done = 0
        while count := self.run_once(limit):
            done += count
        return done

    def _decide(self, records: list[Record]) -> Outcome:
        outcome = Outcome(records[-1].offset)
        payments: list[tuple[Record, Transaction]] = []
        features: list[Features] = []
        for record in records:
            event = read_event(record.topic, record.value, record.arrived_at)
            if isinstance(event, Transaction):
                if event.event_id in self._used and not self._state.has(event):
                    outcome.letters.append(letter_of(record, REUSED))
                elif (row := self._state.apply(event)) is None:
                    outcome.duplicates += 1
                else:
                    self._used.add(event.event_id)
                    payments.append((record, event))
                    features.append(row)
            elif isinstance(event, Label):
                self._state.apply(event)
                outcome.labels.append(
                    StoredLabel(record.offset, event.event_id, event.fraud, record.arrived_at)
                )
            else:
                outcome.letters.append(letter_of(record, event))
        if payments:
            decide(self._scorer(), outcome, payments, features)
        return outcome

    def _recover(self) -> None:
        """Bring the state from its checkpoint up to the last commit, without a second output."""
        position = self._checkpoint
        while position < self.offset:
            records = self._log.read(position, min(BATCH, self.offset - position))
            done = self._store.predicted(position, records[-1].offset)
            for record in records:
                event = read_event(record.topic, record.value, record.arrived_at)
                if isinstance(event, Label) or record.offset in done:
                    assert not isinstance(event, Rejected)
                    self._state.apply(event)
            position = records[-1].offset

    def _sweep(self, now: int) -> None:
        """Once a day of the stream, drop what no window holds any more."""
        if now // DAY > self._swept:
            self._swept = now // DAY
            self._state.forget_idle(now)
