"""A name for what the feature code computes: the hash of its answers on a fixed little stream.

A comment or a faster implementation leaves it as it is; a changed window does not. It depends on
neither Python's version nor the machine, so a model moves wherever the features are the same.
"""

import hashlib
from functools import cache
from struct import pack

from .events import Event, Label, Transaction
from .features import FEATURE_NAMES
from .state import KeyedState

_START = 1_522_540_800
_HOURS = (0, 5, 26, 26, 31, 80, 150, 190, 260, 330, 420, 600, 740, 905)


def _probe() -> list[Event]:
    """Three cards and two terminals over 80 days: late, repeated, judged and corrected events."""
    events: list[Event] = []
    for n in range(240):
        late = n % 11 == 0
        at = _START + n * 8 * 3600 + _HOURS[n % len(_HOURS)] * 60 - (20 * 3600 if late else 0)
        payment = Transaction(
            version=1,
            event_id=f"p{n}",
            occurred_at=at,
            card_id=f"c{n % 3}",
            terminal_id=f"t{n % 2}",
            amount_cents=1 + n * n * 37 % 50_000,
        )
        events.append(payment)
        if n % 13 == 0:
            events.append(payment)
        if n >= 21 and n % 5 == 0:
            judged = events[n - 21]
            events.append(
                Label(
                    version=1,
                    event_id=judged.event_id,
                    occurred_at=judged.occurred_at,
                    terminal_id=judged.terminal_id,
                    fraud=n % 4 != 0,
                )
            )
    return events


@cache
def fingerprint() -> str:
    """SHA-256 over the names of the features and their values on the probe."""
    state = KeyedState()
    digest = hashlib.sha256("\n".join(FEATURE_NAMES).encode())
    for event in _probe():
        features = state.apply(event)
        digest.update(b"-" if features is None else pack(f"<{len(features)}d", *features))
    return digest.hexdigest()
