"""Drift is noticed within a bound, and a stream without any raises no alarm: over several seeds."""

import numpy as np
import pytest

from portfolio_project.events import DAY
from portfolio_project.features import FEATURE_NAMES
from portfolio_project.monitors.alarms import Alarm, Alarms, Kept
from portfolio_project.monitors.rates import LAG_LIMIT, SPAN, Rates
from portfolio_project.monitors.reference import (
    SIGNALS,
    reference_of,
    signals_of,
    stability_index,
)
from portfolio_project.monitors.retraining import retraining_alarm
from portfolio_project.monitors.watch import Watch

SEEDS = range(5)
STREAM = 40_000
BEFORE = 15_000
DETECTION_DELAY = 4_000


def payments(draw, count, *, scale=1.0, hours=24):
    """Scores (n,) and features (n, 19) with the shape of the simulator's: skewed, with days."""
    day = 1 + 0.3 * np.sin(np.arange(count) / 1_900 * 2 * np.pi)
    features = np.ones((count, len(FEATURE_NAMES)), np.float32)
    column = FEATURE_NAMES.index
    features[:, column("amount")] = scale * draw.gamma(2, 27, count)
    features[:, column("card_amount_to_habit")] = scale * draw.gamma(4, 0.25, count)
    features[:, column("card_count_7d")] = draw.poisson(14 * day)
    features[:, column("terminal_count_7d")] = draw.poisson(7, count)
    chance = np.exp(draw.normal(-5.5, 1, count)) * scale**2
    return np.minimum(chance, 1.0), features


def watched(seed, *, scale=1.0, pieces=500):
    """Alarms of a stream whose amounts are scaled from payment `BEFORE` on."""
    draw = np.random.default_rng(seed)
    watch = Watch(reference_of(*payments(draw, 8_000)))
    before, after = payments(draw, BEFORE), payments(draw, STREAM - BEFORE, scale=scale)
    signals = np.concatenate([signals_of(*before), signals_of(*after)])
    alarms = []
    for start in range(0, STREAM, pieces):
        places = list(range(start, min(start + pieces, STREAM)))
        alarms += watch.see(signals[places], places, [place * 45 for place in places])
    return alarms


@pytest.mark.parametrize("seed", SEEDS)
def test_without_drift_there_is_no_alarm(seed):
    assert watched(seed) == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scale", [1.5, 2.0])
def test_a_drift_is_noticed_within_the_bound_and_not_before(seed, scale):
    alarms = watched(seed, scale=scale)
    assert alarms[0].offset >= BEFORE
    for kind in ("drift", "shift"):
        found = {one.signal: one.offset for one in reversed(alarms) if one.kind == kind}
        assert found["score"] - BEFORE < DETECTION_DELAY
        assert found["amount"] - BEFORE < DETECTION_DELAY
    assert not {one.signal for one in alarms} & {"card_count_7d", "terminal_count_7d"}


def test_how_the_events_come_changes_no_alarm():
    expected = watched(0, scale=1.5)
    assert expected
    assert watched(0, scale=1.5, pieces=37) == expected
    assert watched(0, scale=1.5, pieces=STREAM) == expected


def test_the_stability_index_is_zero_for_the_reference_and_grows_with_the_difference():
    draw = np.random.default_rng(1)
    scores, features = payments(draw, 5_000)
    reference = reference_of(scores, features).signals["amount"]
    column = SIGNALS.index("amount")
    values = signals_of(scores, features)[:, column]
    found = [stability_index(reference, values + shift) for shift in (0, 0.1, 0.3, 1.0)]
    assert found[0] == pytest.approx(0, abs=1e-6)
    assert found == sorted(found)
    assert found[-1] > 0.25


def test_a_rate_is_raised_once_and_again_only_after_it_was_well():
    rates = Rates()
    alarms = [
        (number, alarm.signal)
        for number in range(4 * SPAN)
        for alarm in rates.see("refused", number, 0, hit=number % 10 == 0 and number < 2 * SPAN)
    ]
    assert alarms == [(SPAN - 1, "refused")]
    again = [
        one for number in range(SPAN) for one in rates.see("refused", number, 0, hit=number < 300)
    ]
    assert len(again) == 1
    assert rates.lag(LAG_LIMIT + 1, 1, 0)[0].kind == "lag"
    assert rates.lag(LAG_LIMIT + 2, 2, 0) == []
    assert rates.lag(0, 3, 0) == []
    assert rates.lag(LAG_LIMIT + 1, 4, 0)


def alarm(signal, kind, at):
    return Alarm(at, at, signal, kind, 1.0, 0.5, "")


def kept(*alarms):
    return [Kept(number, "m", one) for number, one in enumerate(alarms, start=1)]


def test_training_is_due_when_the_score_or_two_signals_changed():
    amount, count = alarm("amount", "drift", 10), alarm("card_count_7d", "shift", 20)
    assert retraining_alarm([amount], []) == []
    assert retraining_alarm([alarm("late", "late", 5)], kept(amount)) == []
    assert retraining_alarm([amount, alarm("amount", "shift", 12)], []) == []
    for new, before in (
        ([amount, count], []),
        ([count], kept(amount)),
        ([alarm("score", "drift", 30)], []),
    ):
        (due,) = retraining_alarm(new, before)
        assert due.kind == "retrain"
        assert retraining_alarm(new, kept(due)) == []
    far = alarm("card_count_7d", "shift", 10 + 4 * DAY)
    assert retraining_alarm([far], kept(amount)) == []


def test_an_alarm_is_kept_once(tmp_path):
    alarms = Alarms(tmp_path / "monitor.db")
    first, second = alarm("amount", "drift", 10), alarm("score", "shift", 20)
    alarms.keep([first, second], "m", 20, {"signals": []})
    alarms.keep([first], "m", 30, {"signals": []})
    assert [one.alarm for one in alarms.latest()] == [second, first]
    assert [one.alarm for one in alarms.latest(kinds=["drift"])] == [first]
    assert alarms.latest(before=2)[0].alarm == first
    assert alarms.offset() == 30
