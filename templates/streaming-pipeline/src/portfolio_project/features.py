"""The one definition of the features: a pure reducer over card and terminal state.

`step(state, event) -> (state, features)` is all there is. Training replays history through it,
the runner feeds it the live stream, and the API asks it what-if questions: same code, same bytes.

A state keeps the exact event times of its open windows (no day buckets: a bucket would move the
edge of a 24-hour window by up to 24 hours), and running totals in cents, so a window is two binary
searches and one subtraction of integers, exact in whatever order events arrive. A late event gets
the features of its own moment and is then counted by the windows of later ones.

States are values: what one says never changes. A state sees `[first, end)` of its arrays, which its
successors share, so the usual event is appended and nothing is copied; a state that was advanced
before is copied when it is advanced once more.

The inputs are those of Le Borgne et al., Fraud Detection Handbook (2022), ch. 3, and the four of
`OURS`. Windows are half-open, (t - w, t], and a terminal's end seven days ago, when labels are in.
A feature whose name begins with `terminal_` follows from the terminal alone, all others from the
card and the payment, so a host may keep the two on different machines.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort_right
from itertools import accumulate
from typing import NamedTuple

from .events import DAY, MAX_CLOCK_SKEW, MAX_LATENESS, UNIT, Event, Label, Transaction

LABEL_DELAY = 7 * DAY
"""Seconds until a payment counts as judged: frauds are reported by then."""

_SLACK = MAX_LATENESS + MAX_CLOCK_SKEW
_CARD_HORIZON = 30 * DAY + _SLACK
_TERMINAL_HORIZON = LABEL_DELAY + 30 * DAY + _SLACK

STATE_HORIZON = _TERMINAL_HORIZON
"""A card or terminal that saw nothing for so many seconds has only empty windows."""


class Card(NamedTuple):
    """Open windows of one card, in entries [first, end) of its arrays, oldest first."""

    times: array[int] = array("I")
    """Event times, Unix seconds, ascending."""
    cents: array[int] = array("I")
    """Amounts."""
    totals: array[int] = array("q", [0])
    """One more than the others: the sum of the amounts before each entry, and of all."""
    recent: str = ""
    """Payments that a repeated delivery could still name, and a few older ones: a line each, of
    event time and id, in order of arrival."""
    first: int = 0
    end: int = 0


class Terminal(NamedTuple):
    """Open windows of one terminal, in entries [first, end) of its array, oldest first."""

    times: array[int] = array("I")
    """Event times, Unix seconds, ascending."""
    frauds: tuple[tuple[int, str], ...] = ()
    """Event time and id of the payments reported as fraud, ascending."""
    first: int = 0
    end: int = 0


class State(NamedTuple):
    """What one event reads and writes: its card's and its terminal's windows."""

    card: Card
    terminal: Terminal


NEW_CARD = Card()
NEW_TERMINAL = Terminal()
_RECENT_VISITS = 3
_RECENT_CHARACTERS = 512
"""From here on a card forgets payments that can't be delivered again; a short list costs less."""
_SPARE = 16
"""Closed entries that an array keeps beyond its open ones, before it is copied without them."""
_MORNING = 7 * 3600
_WEEK = 7 * DAY
_MONTH = 30 * DAY
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
    if not isinstance(event, Transaction):
        judged = judge(terminal, event)
        return (state if judged is terminal else State(card, judged)), None
    at = event.occurred_at
    paid = pay(card, at, event.amount_cents, event.event_id)
    if paid is None:
        return state, None
    card, own = paid
    terminal, theirs = visit(terminal, at)
    return _new(State, (card, terminal)), _new(Features, own + theirs)


def was_paid(card: Card, at: int, event_id: str) -> bool:
    """Whether the card's windows have this payment, as far back as one may be delivered again."""
    return f"{at} {event_id}" in card.recent.splitlines()


def latest_payments(card: Card) -> list[str]:
    """Ids of the payments of the last two days, and of some before, the latest arrival first."""
    return [line.partition(" ")[2] for line in reversed(card.recent.splitlines())]


def pay(card: Card, at: int, amount: int, event_id: str) -> tuple[Card, tuple[float, ...]] | None:
    """A card's half of `step`: its next state, and the features whose names say no terminal.

    None for a repeated delivery.
    """
    times, cents, totals, recent, first, end = card
    newest = times[end - 1] if end else 0
    if at <= newest and was_paid(card, at, event_id):
        return None
    if 0 < end == len(times) and newest <= at and first <= _SPARE + end - first:
        newest = at
        closed = at - _CARD_HORIZON
        times.append(at)
        cents.append(amount)
        totals.append(totals[end] + amount)
        end += 1
        while times[first] <= closed:
            first += 1
        last = end
    else:
        newest = max(at, newest)
        first = bisect_right(times, newest - _CARD_HORIZON, first, end)
        times, cents = times[first:end], cents[first:end]
        place = bisect_right(times, at)
        times.insert(place, at)
        cents.insert(place, amount)
        totals = array("q", accumulate(cents, initial=0))
        first, end, last = 0, len(times), place + 1
    if len(recent) > _RECENT_CHARACTERS:
        recent = unsettled(recent, newest - _SLACK)
    after = _new(Card, (times, cents, totals, recent + f"{at} {event_id}\n", first, end))
    return after, _of_moment(at, amount) + _of_card(times, cents, totals, first, last)


def visit(terminal: Terminal, at: int) -> tuple[Terminal, tuple[float, ...]]:
    """A terminal's half of `step`: its next state, and the features whose names say terminal."""
    times, frauds, first, end = terminal
    newest = times[end - 1] if end else 0
    if 0 < end == len(times) and newest <= at and first <= _SPARE + end - first:
        closed = at - _TERMINAL_HORIZON
        times.append(at)
        end += 1
        while times[first] <= closed:
            first += 1
    else:
        closed = max(at, newest) - _TERMINAL_HORIZON
        times = times[bisect_right(times, closed, first, end) : end]
        insort_right(times, at)
        first, end = 0, len(times)
    if frauds and frauds[0][0] <= closed:
        frauds = tuple(fraud for fraud in frauds if fraud[0] > closed)
    after = _new(Terminal, (times, frauds, first, end))
    return after, _of_terminal(times, frauds, first, end, at - LABEL_DELAY)


def judge(terminal: Terminal, label: Label) -> Terminal:
    """What a label makes of its terminal; the very same object if that is known already."""
    entry = (label.occurred_at, label.event_id)
    known = entry in terminal.frauds
    if known == label.fraud:
        return terminal
    if known:
        return terminal._replace(frauds=tuple(f for f in terminal.frauds if f != entry))
    return terminal._replace(frauds=tuple(sorted((*terminal.frauds, entry))))


def unsettled(recent: str, settled: int) -> str:
    """Lines of payments since `settled` (Unix seconds), and of whatever arrived after one.

    A line begins with the payment's event time and a space.
    """
    place = 0
    while place < len(recent) and int(recent[place : recent.index(" ", place)]) < settled:
        place = recent.index("\n", place) + 1
    return recent[place:]


def _of_moment(at: int, cents: int) -> tuple[float, float, float]:
    """Amount, weekend, night."""
    return (
        cents / UNIT,
        1.0 if (at // DAY + 3) % 7 >= 5 else 0.0,  # 1970-01-01 was a Thursday
        1.0 if at % DAY < _MORNING else 0.0,
    )


def _of_card(
    times: array[int], cents: array[int], totals: array[int], first: int, last: int
) -> tuple[float, ...]:
    """Counts and means of the card's three windows, and two amounts beside what it usually pays.

    The payment is the last of the entries [first, last), so each count is at least 1.
    """
    at, amount, total = times[last - 1], cents[last - 1], totals[last]
    month = bisect_right(times, at - _MONTH, first, last)
    week = bisect_right(times, at - _WEEK, month, last)
    day = bisect_right(times, at - DAY, week, last)
    in_day, in_week, in_month = last - day, last - week, last - month
    sum_of_month = total - totals[month]
    to_habit, top_to_habit = 1.0, 0.0
    if in_month > 1:
        habit = (sum_of_month - amount) / (in_month - 1) or 1.0
        to_habit = amount / habit
        if in_week > 1:
            top_to_habit = max(cents[week : last - 1]) / habit
    return (
        in_day,
        (total - totals[day]) / (UNIT * in_day),
        in_week,
        (total - totals[week]) / (UNIT * in_week),
        in_month,
        sum_of_month / (UNIT * in_month),
        to_habit,
        top_to_habit,
    )


def _of_terminal(
    times: array[int], frauds: tuple[tuple[int, str], ...], first: int, end: int, until: int
) -> tuple[float, ...]:
    """Counts and shares of frauds in the three windows that end at `until`, and two more signs."""
    last = bisect_right(times, until, first, end)
    month = bisect_right(times, until - _MONTH, first, last)
    week = bisect_right(times, until - _WEEK, month, last)
    day = bisect_right(times, until - DAY, week, last)
    if not frauds:
        return last - day, 0.0, last - week, 0.0, last - month, 0.0, 0.0, 0.0
    reported = [fraud[0] for fraud in frauds]
    known = bisect_right(reported, until)
    oldest = bisect_right(reported, until - _MONTH)
    in_week = known - bisect_right(reported, until - _WEEK)
    in_day = known - bisect_right(reported, until - DAY)
    seen = max(month, last - _RECENT_VISITS)
    recent = known - bisect_left(reported, times[seen], oldest) if seen < last else 0
    return (
        last - day,
        _share(in_day, last - day),
        last - week,
        _share(in_week, last - week),
        last - month,
        _share(known - oldest, last - month),
        _share(recent, last - seen),
        (until + LABEL_DELAY - reported[oldest]) / DAY if oldest < known else 0.0,
    )


def _share(frauds: int, count: int) -> float:
    return min(1.0, frauds / count) if count else 0.0
