"""When to train again: the stream is no longer what the model was trained on.

One alarm may be chance. Training is due when the score or two different signals have drifted or
shifted within `WITHIN` of stream time, and is not asked for again for as long.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..events import DAY
from .alarms import Alarm, Kept
from .reference import SCORE

WITHIN = 3 * DAY
KIND = "retrain"
_CHANGES = ("drift", "shift")


def retraining_alarm(new: Sequence[Alarm], before: Sequence[Kept]) -> list[Alarm]:
    """The alarm that training is due, if the `new` alarms, with those from `before`, make it so."""
    changed = [one for one in new if one.kind in _CHANGES]
    if not changed:
        return []
    last = changed[-1]
    lately = [kept.alarm for kept in before if kept.alarm.at > last.at - WITHIN] + changed
    if any(one.kind == KIND for one in lately):
        return []
    signals = sorted({one.signal for one in lately if one.kind in _CHANGES})
    if SCORE not in signals and len(signals) < 2:
        return []
    detail = f"{', '.join(signals)} changed within {WITHIN // DAY} days; train on newer data"
    return [Alarm(last.offset, last.at, "model", KIND, len(signals), 1, detail)]
