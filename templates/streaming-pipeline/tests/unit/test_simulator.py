import numpy as np
import pytest

from portfolio_project.events import DAY
from portfolio_project.simulator import HANDBOOK, World, simulate

SMALL = World(customers=40, terminals=400, days=40, terminals_hit=1, cards_hit=1)


def test_the_same_world_gives_the_same_payments():
    first, second = simulate(SMALL), simulate(SMALL)
    assert np.array_equal(first.at, second.at)
    assert np.array_equal(first.cents, second.cents)
    assert np.array_equal(first.scenario, second.scenario)


def test_draws_are_those_of_the_published_simulator():
    """The handbook's own code, written out for one customer, draw by draw."""
    import random  # noqa: PLC0415

    people = np.random.RandomState(0)
    x, y, mean, daily = (people.uniform(*span) for span in ((0, 100), (0, 100), (5, 100), (0, 4)))
    places = np.random.RandomState(1)
    terminals = [(places.uniform(0, 100), places.uniform(0, 100)) for _ in range(10_000)]
    near = [i for i, (a, b) in enumerate(terminals) if ((a - x) ** 2 + (b - y) ** 2) ** 0.5 < 5]
    random.seed(0)
    draw = np.random.RandomState(0)  # what np.random.seed(0) sets up behind np.random's functions
    expected = []
    for day in range(6):
        for _ in range(draw.poisson(daily)):
            second = int(draw.normal(86_400 / 2, 20_000))
            if 0 < second < 86_400:
                amount = draw.normal(mean, mean / 2)
                if amount < 0:
                    amount = draw.uniform(0, mean * 2)
                row = (day * DAY + second, random.choice(near), round(np.round(amount, 2) * 100))
                expected.append(row)
    found = simulate(World(customers=1, terminals=10_000, days=6, terminals_hit=0, cards_hit=0))
    rows = zip(found.at - HANDBOOK.start, found.terminal, found.cents, strict=True)
    assert [tuple(int(value) for value in row) for row in rows] == sorted(expected)


def test_payments_are_in_order_of_time_and_within_the_days():
    payments = simulate(SMALL)
    assert (np.diff(payments.at) >= 0).all()
    assert payments.at[0] >= SMALL.start
    assert payments.at[-1] < SMALL.start + SMALL.days * DAY
    assert (payments.cents >= 0).all()


def test_each_kind_of_fraud_is_there_and_marked():
    payments = simulate(SMALL)
    assert set(payments.scenario.tolist()) >= {0, 2, 3}
    assert (payments.cents[payments.scenario == 1] > 22_000).all()
    mean = payments.cents[payments.scenario == 0].mean()
    assert payments.cents[payments.scenario == 3].mean() > 3 * mean
    assert not (payments.cents[payments.scenario == 0] > 22_000).any()


def test_a_longer_world_goes_on_where_the_shorter_one_ends():
    short, long = simulate(SMALL), simulate(World(**{**vars(SMALL), "days": 60}))
    kept = len(short)
    assert np.array_equal(long.at[:kept], short.at)
    assert np.array_equal(long.customer[:kept], short.customer)
    assert np.array_equal(long.terminal[:kept], short.terminal)


@pytest.mark.parametrize("days", [1, 2])
def test_a_world_of_a_day_or_two_works(days):
    assert len(simulate(World(customers=5, terminals=500, days=days))) > 0
