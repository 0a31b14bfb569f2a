"""The one definition of the features: a pure reducer over card and terminal state.

`step(state, event) -> (state, features)` is all there is. Training replays history through it,
the runner feeds it the live stream, and the API asks it what-if questions: same code, same bytes.

A state keeps the exact event times of its open windows (no day buckets: a bucket would move the
edge of a 24-hour window by up to 24 hours), and running totals in cents, so a window is two binary
searches and one subtraction of integers, exact in whatever order events arrive. A late event gets
the features of its own moment and is then counted by the windows of later ones. States are values:
the arrays in them are packed for speed and never changed once made.

The inputs are those of Le Borgne et al., Fraud Detection Handbook (2022), ch. 3, and the four of
`OURS`. Windows are half-open, (t - w, t], and a terminal's end seven days ago, when labels are in.
A feature whose name begins with `terminal_` follows from the terminal alone, all others from the
card and the payment, so a host may keep the two on different machines.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort_right
from operator import sub
from typing import NamedTuple

from .events import DAY, MAX_CLOCK_SKEW, MAX_LATENESS, UNIT, Event, Label

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
_RECENT_VISITS = 3
_new = tuple.__new__  # this code runs for each event, and a named tuple's own call takes longer


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
    card_amount_to_habit: float
    """Amount over the mean of the card's earlier ones in 30 days; 1 for a card without any."""
    card_top_to_habit_7d: float
    """The same for the largest earlier amount of 7 days; 0 without any."""
    terminal_count_1d: float
    terminal_risk_1d: float
    terminal_count_7d: float
    terminal_risk_7d: float
    terminal_count_30d: float
    terminal_risk_30d: float
    terminal_risk_3: float
    """Share of frauds among the last three payments of the terminal's 30 days."""
    terminal_fraud_age: float
    """Days since the oldest fraud of the terminal's 30 days; 0 without any."""


FEATURE_NAMES = Features._fields
OURS = ("card_amount_to_habit", "card_top_to_habit_7d", "terminal_risk_3", "terminal_fraud_age")
"""Features that the Handbook does not have."""
WATCHED = ("amount", "card_amount_to_habit", "card_count_7d", "terminal_count_7d")
"""Features in which a change of the stream shows first; none of them is ever negative."""


def step(state: State, event: Event) -> tuple[State, Features | None]:
    """Advance `state` by one event.

    Returns the new state and the transaction's features. A label moves only the terminal and has
    no features; a repeated delivery changes nothing, and the very same `state` object comes back.
    """
    card, terminal = state
    if isinstance(event, Label):
        judged = _judge(terminal, event)
        return (state if judged is terminal else State(card, judged)), None
    at, cents = event.occurred_at, event.amount_cents
    entry = (at, event.event_id)
    if entry in card.recent:
        return state, None
    card, terminal = _pay(card, at, cents, entry), _visit(terminal, at)
    of_terminal = _of_terminal(terminal, at - LABEL_DELAY)
    features = _of_moment(at, cents) + _of_card(card, at, cents) + of_terminal
    return _new(State, (card, terminal)), _new(Features, features)


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
    return _new(Card, (times, totals, (*recent, entry)))


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
    return _new(Terminal, (times, frauds))


def _judge(terminal: Terminal, label: Label) -> Terminal:
    entry = (label.occurred_at, label.event_id)
    known = entry in terminal.frauds
    if known == label.fraud:
        return terminal
    if known:
        return terminal._replace(frauds=tuple(f for f in terminal.frauds if f != entry))
    return terminal._replace(frauds=tuple(sorted((*terminal.frauds, entry))))


def _of_moment(at: int, cents: int) -> tuple[float, float, float]:
    """Amount, weekend, night."""
    return (
        cents / UNIT,
        1.0 if (at // DAY + 3) % 7 >= 5 else 0.0,  # 1970-01-01 was a Thursday
        1.0 if at % DAY // 3600 <= 6 else 0.0,
    )


def _of_card(card: Card, at: int, cents: int) -> tuple[float, ...]:
    """Counts and means of the card's three windows, and two amounts beside what it usually pays."""
    times, totals, _ = card
    # The event itself is in, the last of its second, so each count is at least 1.
    last = len(times) if times[-1] <= at else bisect_right(times, at)
    month = bisect_right(times, at - 30 * DAY, 0, last)
    week = bisect_right(times, at - 7 * DAY, month, last)
    day = bisect_right(times, at - DAY, week, last)
    total = totals[last]
    in_month = total - totals[month]
    in_day, in_week, earlier = last - day, last - week, last - month - 1
    to_habit, top_to_habit = 1.0, 0.0
    if earlier:
        habit = (in_month - cents) / earlier or 1.0
        to_habit = cents / habit
        if in_week > 1:
            amounts = map(sub, totals[week + 1 : last], totals[week : last - 1])
            top_to_habit = max(amounts) / habit
    return (
        in_day,
        (total - totals[day]) / (UNIT * in_day),
        in_week,
        (total - totals[week]) / (UNIT * in_week),
        earlier + 1,
        in_month / (UNIT * (earlier + 1)),
        to_habit,
        top_to_habit,
    )


def _of_terminal(terminal: Terminal, until: int) -> tuple[float, ...]:
    """Counts and shares of frauds in the three windows that end at `until`, and two more signs."""
    times, frauds = terminal
    last = bisect_right(times, until)
    month = bisect_right(times, until - 30 * DAY, 0, last)
    week = bisect_right(times, until - 7 * DAY, month, last)
    day = bisect_right(times, until - DAY, week, last)
    if not frauds:
        return last - day, 0.0, last - week, 0.0, last - month, 0.0, 0.0, 0.0
    reported = [fraud[0] for fraud in frauds]
    end = bisect_right(reported, until)
    oldest = bisect_right(reported, until - 30 * DAY)
    in_week = end - bisect_right(reported, until - 7 * DAY)
    in_day = end - bisect_right(reported, until - DAY)
    seen = max(month, last - _RECENT_VISITS)
    recent = end - bisect_left(reported, times[seen], oldest) if seen < last else 0
    return (
        last - day,
        _share(in_day, last - day),
        last - week,
        _share(in_week, last - week),
        last - month,
        _share(end - oldest, last - month),
        _share(recent, last - seen),
        (until + LABEL_DELAY - reported[oldest]) / DAY if oldest < end else 0.0,
    )


def _share(frauds: int, count: int) -> float:
    return min(1.0, frauds / count) if count else 0.0
