"""The monitor: follows what was decided, and raises alarms. A process of its own.

It begins again `WARM_UP` entries before the place where it was when it stopped, so that its
detectors know what they knew; alarms from before that place were stored then.
"""

from __future__ import annotations

import threading

import numpy as np

from ..broker import Log
from ..features import FEATURE_NAMES
from ..generator import LATE
from ..provenance import ProvenanceError, Registry
from ..settings import Settings
from ..store import Letter, Prediction
from ..view import View
from .alarms import Alarm, Alarms
from .rates import LIMITS, Rates
from .reference import read_reference, signals_of
from .retraining import retraining_alarm
from .watch import SHIFTED, Watch

IDLE_SECONDS = 0.5
WARM_UP = 20_000
_LIMIT = 2_000
_WIDTH = len(FEATURE_NAMES)


class Monitor:
    """Looks at decisions and dead letters behind its offset, in the order of the log."""

    def __init__(self, settings: Settings) -> None:
        self._view, self._log = View(settings.store_path), Log(settings.log_path)
        self._registry = Registry(settings.registry_dir)
        self._alarms = Alarms(settings.monitor_path)
        self._told = self._alarms.offset()
        self._begin(max(0, self._told - WARM_UP))

    def _begin(self, offset: int) -> None:
        self._offset = offset
        self._model = self._registry.current_id()
        self._rates = Rates()
        self._watch = Watch(None)
        if self._model is not None:
            try:
                self._watch = Watch(read_reference(self._registry.get(self._model)))
            except ProvenanceError:
                self._watch = Watch(None)

    def look(self) -> int:
        """Take the next events; returns how many. A newly promoted model is watched afresh."""
        if self._registry.current_id() != self._model:
            self._begin(self._offset)
        done = self._view.counters().offset
        payments = self._view.predictions_after(self._offset, _LIMIT)
        # Up to here everything was read, of both kinds.
        until = payments[-1].offset if len(payments) == _LIMIT else done
        payments = [one for one in payments if one.offset <= until]
        letters = self._view.letters_between(self._offset, until)
        alarms = self._arrivals(payments, letters)
        alarms += self._scores(payments)
        new = [one for one in alarms if one.offset > self._told]
        at = self._log.latest_arrival() or 0
        new += self._rates.lag(max(0, self._log.end() - done), done, at)
        model = self._model or ""
        before = [one for one in self._alarms.latest(limit=50) if one.model == model]
        new += retraining_alarm(new, before)
        self._offset = until
        self._told = max(self._told, until)
        self._alarms.keep(new, model, self._told, self.status())
        return len(payments) + len(letters)

    def status(self) -> dict[str, object]:
        """Each signal's present value beside its limit."""
        indices = [
            {"signal": name, "kind": "shift", "value": round(value, 6), "limit": SHIFTED}
            for name, value in self._watch.indices.items()
        ]
        rates = [
            {"signal": name, "kind": name, "value": round(value, 6), "limit": LIMITS[name]}
            for name, value in self._rates.shares().items()
        ]
        return {"signals": [*indices, *rates]}

    def close(self) -> None:
        """Let go of the files."""
        self._view.close()
        self._log.close()
        self._alarms.close()

    def _arrivals(self, payments: list[Prediction], letters: list[Letter]) -> list[Alarm]:
        alarms: list[Alarm] = []
        events: list[Prediction | Letter] = [*payments, *letters]
        for one in sorted(events, key=lambda one: one.offset):
            refused = isinstance(one, Letter)
            alarms += self._rates.see("refused", one.offset, one.arrived_at, hit=refused)
            if isinstance(one, Prediction):
                late = one.arrived_at - one.occurred_at > LATE
                alarms += self._rates.see("late", one.offset, one.arrived_at, hit=late)
        return alarms

    def _scores(self, payments: list[Prediction]) -> list[Alarm]:
        if not payments:
            return []
        packed = b"".join(one.features for one in payments)
        features = np.frombuffer(packed, dtype=np.float32).reshape(-1, _WIDTH)
        signals = signals_of([one.score for one in payments], features)
        offsets = [one.offset for one in payments]
        return self._watch.see(signals, offsets, [one.arrived_at for one in payments])


def follow(settings: Settings, stop: threading.Event, *, until_end: bool = False) -> int:
    """Watch the stream until told to stop, or with `until_end` to its end; returns events seen.

    Raises sqlite3.Error when the files cannot be read or written.
    """
    monitor = Monitor(settings)
    seen = 0
    try:
        while not stop.is_set():
            count = monitor.look()
            seen += count
            if count < _LIMIT:
                if until_end and count == 0:
                    break
                stop.wait(0 if until_end else IDLE_SECONDS)
    finally:
        monitor.close()
    return seen
