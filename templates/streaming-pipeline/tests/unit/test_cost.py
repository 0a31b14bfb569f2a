"""What an event costs, counted and not timed: a change that makes it dearer fails anywhere."""

import gc
import random
import sys
import tracemalloc

import numpy as np
from pipeline import START, faulty_plan, transaction

from portfolio_project import broker, runner, store
from portfolio_project.events import DAY
from portfolio_project.state import KeyedState

MOST_LINES = 124
"""Of Python, for an event through door, reducer, decision and store; a tenth above what it is."""


class EvenScorer:
    """A model that costs nothing to ask."""

    version, threshold, beside = "even", 0.5, None

    def score(self, features):
        return np.zeros(len(features), np.float32)


def lines_run(work):
    """How many lines of Python `work` goes through, other threads left out."""
    count = 0

    def trace(_frame, event, _argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_an_event_takes_no_more_work_than_it_did(tmp_path):
    log = broker.Log(tmp_path / "log.db")
    log.append(faulty_plan().envelopes(0, 2_500))
    results = store.Store(tmp_path / "stream.db")
    stream = runner.Runner(log, results, EvenScorer)
    for _ in range(3):
        stream.run_once(500)
    each = lines_run(lambda: [stream.run_once(500), stream.run_once(500)]) / 1_000
    assert MOST_LINES / 2 < each <= MOST_LINES


def test_memory_is_that_of_open_windows_however_long_the_stream(tmp_path):
    draw = random.Random(3)
    windows = KeyedState()
    sizes = []
    tracemalloc.start()
    try:
        for number in range(5_000):
            card = min(draw.randrange(60), draw.randrange(60))  # some pay often, some seldom
            at = START + number * 150 * DAY // 5_000
            ids = {"card_id": f"c{card}", "terminal_id": f"t{draw.randrange(90)}"}
            windows.apply(transaction(number, occurred_at=at, **ids))
            if number % 625 == 0:
                windows.forget_idle(at)
                windows.changes()
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    full = sizes[4:]  # from the 75th day on
    assert max(full) <= 1.1 * min(full)
