"""The window in memory decides as the library does, and stays small."""

import asyncio
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from portfolio_project.serving import rate_limit
from portfolio_project.serving.rate_limit import MemoryWindow

# Halves of a second, so that both compute without rounding.
steps = st.lists(st.integers(0, 12).map(lambda n: n / 2), min_size=1, max_size=40)


class Clock:
    """Seconds that pass when told."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@given(limit=st.integers(1, 6), pauses=steps)
def test_it_decides_as_limits_does(limit, pauses):
    item = parse(f"{limit}/8 second")
    clock = Clock()
    window = MemoryWindow(item, clock)
    with mock.patch("limits.storage.memory.time.time", clock):
        library = SlidingWindowCounterRateLimiter(MemoryStorage())
        for pause in pauses:
            clock.now += pause
            verdict = asyncio.run(window.hit("caller"))
            assert verdict.admitted == library.hit(item, "caller")
            assert verdict.remaining == library.get_window_stats(item, "caller").remaining


def test_waiting_as_told_is_enough():
    clock = Clock()
    window = MemoryWindow(parse("5/8 second"), clock)
    for _ in range(40):
        verdict = asyncio.run(window.hit("caller"))
        if not verdict.admitted:
            clock.now += verdict.wait + 0.001
            assert asyncio.run(window.hit("caller")).admitted
        clock.now += 0.25


def test_callers_that_stay_away_are_forgotten(monkeypatch):
    monkeypatch.setattr(rate_limit, "_MANY_CALLERS", 100)
    clock = Clock()
    window = MemoryWindow(parse("5/second"), clock)
    for number in range(1_000):
        clock.now += 0.01
        asyncio.run(window.hit(f"caller {number}"))
    assert len(window._counts) <= 201
