"""The one definition of the features: a pure reducer over card and terminal state.

`step(state, event) -> (state, features)` is all there is. Training replays history through it,
the runner feeds it the live stream, and the API asks it what-if questions: same code, same bytes.

A state keeps the exact event times of its open windows (no day buckets: a bucket would move the
edge of a 24-hour window by up to 24 hours), and running totals in cents, so a window is two binary
searches and one subtraction of integers, exact in whatever order events arrive. A late event gets
the features of its own moment and is then counted by the windows of later ones. States are values:
the arrays in them are packed for speed and never changed once made.

The inputs are those of Le Borgne et al., Fraud Detection Handbook (2022), ch. 3: windows are
half-open, (t - w, t], and a terminal's windows end seven days ago, when labels are known.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right, insort_right
from typing import NamedTuple

from .events import DAY, MAX_CLOCK_SKEW, MAX_LATENESS, Event, Label, Transaction

LABEL_DELAY = 7 * DAY
"""Seconds until a payment counts as judged: frauds are reported by then."""

_SLACK = MAX_LATENESS + MAX_CLOCK_SKEW
_CARD_HORIZON = 30 * DAY + _SLACK
_TERMINAL_HORIZON = LABEL_DELAY + 30 * DAY + _SLACK

STATE_HORIZON = _TERMINAL_HORIZON
"""A card or terminal that saw nothing for so many seconds has only empty windows."""


class Card(NamedTuple):
    """Open windows of one card; n payments, oldest first."""

    times: array[int] = array("I")
    """(n,) event times, Unix seconds, ascending."""
    totals: array[int] = array("q", [0])
    """(n + 1,) running amount in cents; a window's sum is a difference of two."""
    recent: tuple[tuple[int, str], ...] = ()
    """Time and id of payments that a repeated delivery could still name."""


class Terminal(NamedTuple):
    """Open windows of one terminal."""

    times: array[int] = array("I")
    """(n,) event times, Unix seconds, ascending."""
    frauds: tuple[tuple[int, str], ...] = ()
    """Event time and id of the payments reported as fraud, ascending."""


class State(NamedTuple):
    """What one event reads and writes: its card's and its terminal's windows."""

    card: Card
    terminal: Terminal


NEW_CARD = Card()
NEW_TERMINAL = Terminal()
_NO_RISK = (0.0, 0.0, 0.0)


class Features(NamedTuple):
    """The model's inputs, in the order in which the model takes them."""

    amount: float
    is_weekend: float
    is_night: float
    card_count_1d: float
    card_mean_amount_1d: float
    card_count_7d: float
    card_mean_amount_7d: float
    card_count_30d: float
    card_mean_amount_30d: float
    terminal_count_1d: float
    terminal_risk_1d: float
    terminal_count_7d: float
    terminal_risk_7d: float
    terminal_count_30d: float
    terminal_risk_30d: float


FEATURE_NAMES = Features._fields


def step(state: State, event: Event) -> tuple[State, Features | None]:
    """Advance `state` by one event.

    Returns the new state and the transaction's features. A label moves only the terminal and has
    no features; a repeated delivery changes nothing, and the very same `state` object comes back.
    """
    card, terminal = state
    if isinstance(event, Label):
        judged = _judge(terminal, event)
        return (state if judged is terminal else State(card, judged)), None
    at = event.occurred_at
    entry = (at, event.event_id)
    if entry in card.recent:
        return state, None
    after = State(_pay(card, at, event.amount_cents, entry), _visit(terminal, at))
    return after, _features(after, event)


def _pay(card: Card, at: int, cents: int, entry: tuple[int, str]) -> Card:
    times, totals, recent = card
    if not times:
        return Card(array("I", (at,)), array("q", (0, cents)), (entry,))
    newest = max(at, times[-1])
    closed = newest - _CARD_HORIZON
    first = bisect_right(times, closed) if times[0] <= closed else 0
    times, totals = times[first:], totals[first:]
    if at == newest:
        times.append(at)
        totals.append(totals[-1] + cents)
    else:
        place = bisect_right(times, at)
        times.insert(place, at)
        totals.insert(place, totals[place])
        for later in range(place + 1, len(totals)):
            totals[later] += cents
    settled = newest - _SLACK
    while recent and recent[0][0] < settled:
        recent = recent[1:]
    return Card(times, totals, (*recent, entry))


def _visit(terminal: Terminal, at: int) -> Terminal:
    times, frauds = terminal
    if not times:
        return Terminal(array("I", (at,)), frauds)
    newest = max(at, times[-1])
    closed = newest - _TERMINAL_HORIZON
    times = times[bisect_right(times, closed) if times[0] <= closed else 0 :]
    if at == newest:
        times.append(at)
    else:
        insort_right(times, at)
    if frauds and frauds[0][0] <= closed:
        frauds = tuple(fraud for fraud in frauds if fraud[0] > closed)
    return Terminal(times, frauds)


def _judge(terminal: Terminal, label: Label) -> Terminal:
    entry = (label.occurred_at, label.event_id)
    known = entry in terminal.frauds
    if known == label.fraud:
        return terminal
    if known:
        return terminal._replace(frauds=tuple(f for f in terminal.frauds if f != entry))
    return terminal._replace(frauds=tuple(sorted((*terminal.frauds, entry))))


def _features(state: State, event: Transaction) -> Features:
    at = event.occurred_at
    times, totals, _ = state.card
    last = bisect_right(times, at)  # the event itself is in, so each count is at least 1
    month = bisect_right(times, at - 30 * DAY, 0, last)
    week = bisect_right(times, at - 7 * DAY, month, last)
    day = bisect_right(times, at - DAY, week, last)
    total = totals[last]
    counts = _judged_counts(state.terminal.times, at - LABEL_DELAY)
    risks = _risks(state.terminal.frauds, at - LABEL_DELAY, counts)
    return Features(
        event.amount_cents / 100,
        1.0 if (at // DAY + 3) % 7 >= 5 else 0.0,  # 1970-01-01 was a Thursday
        1.0 if at % DAY // 3600 <= 6 else 0.0,
        float(last - day),
        (total - totals[day]) / (100 * (last - day)),
        float(last - week),
        (total - totals[week]) / (100 * (last - week)),
        float(last - month),
        (total - totals[month]) / (100 * (last - month)),
        float(counts[0]),
        risks[0],
        float(counts[1]),
        risks[1],
        float(counts[2]),
        risks[2],
    )


def _judged_counts(times: array[int], until: int) -> tuple[int, int, int]:
    """Payments in the day, week and month that end at `until`."""
    last = bisect_right(times, until)
    month = bisect_right(times, until - 30 * DAY, 0, last)
    week = bisect_right(times, until - 7 * DAY, month, last)
    return last - bisect_right(times, until - DAY, week, last), last - week, last - month


def _risks(
    frauds: tuple[tuple[int, str], ...], until: int, counts: tuple[int, int, int]
) -> tuple[float, ...]:
    """Share of frauds in the same three windows."""
    if not frauds:
        return _NO_RISK
    times = [fraud[0] for fraud in frauds]
    end = bisect_right(times, until)
    return tuple(
        min(1.0, (end - bisect_right(times, until - days * DAY)) / count) if count else 0.0
        for days, count in zip((1, 7, 30), counts, strict=True)
    )
