"""Send refused events again, once the reason is gone: a newer reader, say, or a clock put right.

A letter is sent only if the door would take it now, and at most once, whatever is killed or started
twice in between: the log notes it in the transaction that appends it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .broker import Envelope, Log
from .events import Reason, Rejected, read_event
from .store import Letter
from .view import View

_PAGE = 1_000


@dataclass(frozen=True)
class Redriven:
    """How many letters were sent again, and why others were not, by reason."""

    sent: int
    refused: Counter[str] = field(default_factory=Counter[str])


def pending(log: Log, view: View, reason: Reason | None = None) -> Iterator[Letter]:
    """Letters that were not sent again yet, newest first."""
    done = log.redriven()
    before: int | None = None
    while page := view.letters(before=before, limit=_PAGE):
        for letter in page:
            if letter.offset not in done and (reason is None or letter.reason == reason):
                yield letter
        before = page[-1].offset


def redrive(log: Log, view: View, now: int, reason: Reason | None = None) -> Redriven:
    """Send what can be taken now, oldest first; it arrives at `now` (Unix seconds)."""
    good: list[tuple[int, Envelope]] = []
    refused: Counter[str] = Counter()
    for letter in pending(log, view, reason):
        event = read_event(letter.topic, letter.value, now)
        if isinstance(event, Rejected):
            refused[event.reason.value] += 1
        elif letter.reason == Reason.REUSED_ID:
            refused[letter.reason] += 1  # the other transaction still has its id
        else:
            good.append((letter.offset, Envelope(now, letter.topic, letter.value)))
    return Redriven(log.redrive(reversed(good)), refused)
