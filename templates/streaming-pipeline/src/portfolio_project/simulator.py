"""Card payments with three kinds of fraud, after the Fraud Detection Handbook's simulator.

Le Borgne, Siblini, Lebichot, Bontempi: Reproducible Machine Learning for Credit Card Fraud
Detection (2022), chapter 3. Seeds and order of draws are the published ones, so that
`HANDBOOK` gives the published data set and its tables compare; a smaller profile is the same
world with fewer people in it.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from .events import DAY

_RADIUS = 5.0  # a customer uses the terminals nearer than this
_HIGH_AMOUNT = 22_000  # cents; scenario 1
_TERMINAL_DAYS = 28  # a compromised terminal stays so; scenario 2
_CARD_DAYS = 14  # a leaked card is used; scenario 3


@dataclass(frozen=True)
class World:
    """How large the simulated world is.

    `terminals_hit` and `cards_hit` are how many are compromised each day.
    """

    customers: int
    terminals: int
    days: int
    start: int = int(datetime(2018, 4, 1, tzinfo=UTC).timestamp())
    terminals_hit: int = 2
    cards_hit: int = 3


HANDBOOK = World(customers=5_000, terminals=10_000, days=183)
"""The published data set: 1,754,155 payments."""


@dataclass(frozen=True)
class Payments:
    """n payments in order of time; each array has shape (n,).

    `at`: Unix seconds; `customer`, `terminal`: numbers from 0; `cents`: amount;
    `scenario`: 0 for a genuine payment, else the kind of fraud.
    """

    at: NDArray[np.int64]
    customer: NDArray[np.int64]
    terminal: NDArray[np.int64]
    cents: NDArray[np.int64]
    scenario: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.at)


def simulate(world: World) -> Payments:
    """Run the world from its first day to its last; the same world gives the same payments."""
    customers = _customers(world.customers)
    terminals = _places(np.random.RandomState(1), world.terminals)
    drawn: list[tuple[int, int, int, int]] = []
    for number, (x, y, mean_amount, daily) in enumerate(customers):
        distance = np.sqrt(((terminals - (x, y)) ** 2).sum(axis=1))
        near: list[int] = np.flatnonzero(distance < _RADIUS).tolist()
        drawn += _spend(number, mean_amount, daily, near, world.days)
    table = np.array(drawn, dtype=np.int64).reshape(-1, 4)
    table = table[np.argsort(table[:, 0], kind="stable")]
    seconds, customer, terminal, cents = table.T.copy()
    scenario = _defraud(world, seconds // DAY, customer, terminal, cents)
    return Payments(seconds + world.start, customer, terminal, cents, scenario)


def _customers(count: int) -> list[tuple[float, float, float, float]]:
    draw = np.random.RandomState(0)
    return [
        (draw.uniform(0, 100), draw.uniform(0, 100), draw.uniform(5, 100), draw.uniform(0, 4))
        for _ in range(count)
    ]


def _places(draw: np.random.RandomState, count: int) -> NDArray[np.float64]:
    return draw.uniform(0, 100, size=(count, 2))


def _spend(
    customer: int, mean_amount: float, daily: float, near: list[int], days: int
) -> list[tuple[int, int, int, int]]:
    """One customer's payments: (second since the start, customer, terminal, cents)."""
    choice = random.Random(customer).choice
    draw = np.random.RandomState(customer)
    spent: list[tuple[int, int, int, int]] = []
    for day in range(days):
        for _ in range(draw.poisson(daily)):
            second = int(draw.normal(DAY / 2, 20_000))
            if not 0 < second < DAY:
                continue
            amount = draw.normal(mean_amount, mean_amount / 2)
            if amount < 0:
                amount = draw.uniform(0, mean_amount * 2)
            if near:
                spent.append((day * DAY + second, customer, choice(near), round(amount * 100)))
    return spent


def _defraud(
    world: World,
    day: NDArray[np.int64],
    customer: NDArray[np.int64],
    terminal: NDArray[np.int64],
    cents: NDArray[np.int64],
) -> NDArray[np.int8]:
    """Mark the frauds, later scenarios over earlier ones; raises the amounts of scenario 3."""
    scenario = np.zeros(len(day), dtype=np.int8)
    scenario[cents > _HIGH_AMOUNT] = 1
    last_day = int(day[-1]) if len(day) else 0
    edges = np.searchsorted(day, np.arange(last_day + _TERMINAL_DAYS + 1))
    for today in range(last_day):
        hit = _sample(today, world.terminals, world.terminals_hit)
        rows = slice(edges[today], edges[today + _TERMINAL_DAYS])
        scenario[rows][np.isin(terminal[rows], hit)] = 2
    for today in range(last_day):
        hit = _sample(today, world.customers, world.cards_hit)
        first = int(edges[today])
        rows = slice(first, edges[today + _CARD_DAYS])
        exposed: list[int] = (np.flatnonzero(np.isin(customer[rows], hit)) + first).tolist()
        taken = random.Random(today).sample(exposed, k=len(exposed) // 3)
        cents[taken] *= 5
        scenario[taken] = 3
    return scenario


def _sample(seed: int, population: int, count: int) -> NDArray[np.int64]:
    return np.random.RandomState(seed).choice(population, size=count, replace=False)
