"""Watches scores and features, payment by payment, for a change.

Two questions, two answers. Has it changed of late? ADWIN compares the ends of a window that grows
while nothing happens (Bifet and Gavaldà, 2007; River's implementation), fed with means of blocks,
because one payment says little. Is it what the model knows? The population stability index holds
the latest payments against the model's reference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN

from .alarms import Alarm
from .reference import SIGNALS, Reference, stability_index

BLOCK = 50
"""Payments whose mean is one observation of ADWIN."""
SPAN = 2_000
"""Latest payments that the stability index is taken of."""
EVERY = 500
"""Payments between two looks at the stability index."""
SHIFTED = 0.25
_CALM = 0.2  # an alarm is over when the index is under this
_DELTA = 1e-4
"""Chance of a false alarm of ADWIN at one look, by its bound."""


_detector: Any = ADWIN  # River's detectors bring no types


class Watch:
    """The state of all detectors. The same payments give the same alarms, however they come."""

    def __init__(self, reference: Reference | None) -> None:
        self._reference = reference
        self._adwin = {name: _detector(delta=_DELTA, grace_period=5) for name in SIGNALS}
        self._latest = np.empty((0, len(SIGNALS)))
        self._seen = 0
        self._shifted: set[str] = set()
        self.indices: dict[str, float] = {}
        """Stability index of each signal at the last look."""

    def see(
        self, signals: NDArray[np.float64], offsets: list[int], arrivals: list[int]
    ) -> list[Alarm]:
        """Take n more payments: signals (n, s), their offsets and arrivals."""
        alarms: list[Alarm] = []
        start = 0
        while start < len(signals):
            size = min(BLOCK - self._seen % BLOCK, len(signals) - start)
            end = start + size
            self._latest = np.concatenate([self._latest, signals[start:end]])[-SPAN:]
            self._seen += size
            if self._seen % BLOCK == 0:
                alarms += self._block(offsets[end - 1], arrivals[end - 1])
            if self._seen % EVERY == 0 and len(self._latest) == SPAN:
                alarms += self._compare(offsets[end - 1], arrivals[end - 1])
            start = end
        return alarms

    def _block(self, offset: int, at: int) -> list[Alarm]:
        alarms: list[Alarm] = []
        means = self._latest[-BLOCK:].mean(axis=0).tolist()
        for name, mean in zip(SIGNALS, means, strict=True):
            adwin = self._adwin[name]
            before = adwin.estimation
            adwin.update(mean)
            if adwin.drift_detected:
                detail = f"the mean went from {before:.3f} to {adwin.estimation:.3f} (logarithms)"
                alarms.append(Alarm(offset, at, name, "drift", adwin.estimation, before, detail))
        return alarms

    def _compare(self, offset: int, at: int) -> list[Alarm]:
        if self._reference is None:
            return []
        alarms: list[Alarm] = []
        for place, name in enumerate(SIGNALS):
            index = stability_index(self._reference.signals[name], self._latest[:, place])
            self.indices[name] = index
            if index > SHIFTED and name not in self._shifted:
                self._shifted.add(name)
                detail = f"stability index {index:.2f} over the latest {SPAN:,} payments"
                alarms.append(Alarm(offset, at, name, "shift", index, SHIFTED, detail))
            elif index < _CALM:
                self._shifted.discard(name)
        return alarms
