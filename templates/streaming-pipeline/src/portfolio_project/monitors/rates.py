"""Watches how events arrive: late, refused, or not processed in time."""

from __future__ import annotations

from collections import deque

from .alarms import Alarm

SPAN = 2_000
"""Latest entries of the log that a rate is taken of."""
LIMITS = {"late": 0.10, "refused": 0.05}
"""Shares that are too high: arrived over a minute late, in the dead letters."""
LAG_LIMIT = 10_000
"""Entries that wait to be processed."""
_CALM = 0.8  # of the limit; an alarm is over when the rate is under this


class Rates:
    """Shares over the latest `SPAN` events."""

    def __init__(self) -> None:
        self._events = {name: deque[bool](maxlen=SPAN) for name in LIMITS}
        self._counts = dict.fromkeys(LIMITS, 0)
        self._raised: set[str] = set()

    def see(self, name: str, offset: int, at: int, *, hit: bool) -> list[Alarm]:
        """Take one more event into the rate `name`."""
        events = self._events[name]
        if len(events) == SPAN:
            self._counts[name] -= events[0]
        events.append(hit)
        self._counts[name] += hit
        if len(events) < SPAN:
            return []
        share = self._counts[name] / SPAN
        return self._judge(name, share, LIMITS[name], offset, at)

    def lag(self, waiting: int, offset: int, at: int) -> list[Alarm]:
        """Take the present lag."""
        return self._judge("lag", waiting, LAG_LIMIT, offset, at)

    def shares(self) -> dict[str, float]:
        """Each rate at present."""
        return {
            name: self._counts[name] / len(events) if events else 0.0
            for name, events in self._events.items()
        }

    def _judge(self, name: str, value: float, limit: float, offset: int, at: int) -> list[Alarm]:
        if value > limit and name not in self._raised:
            self._raised.add(name)
            what = f"{value:,.0f} entries wait" if name == "lag" else f"{value:.1%} of events"
            return [Alarm(offset, at, name, name, value, limit, f"{what}; the limit is {limit:g}")]
        if value < limit * _CALM:
            self._raised.discard(name)
        return []
