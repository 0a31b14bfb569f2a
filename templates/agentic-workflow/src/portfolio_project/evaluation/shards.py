"""Runs the evaluation with the threshold off and at the shipped one, spread over processes.

Each ticket has a company of its own and the model answers by what it is asked alone, so neither the
number of processes nor the concurrency changes a grade.
"""

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process

from ..agent.models import LOCAL
from ..policy_model.model import PolicyModel
from ..policy_model.registered import registered_model
from ..settings import Settings
from .dataset import Case
from .grade import Grade
from .run import How, evaluate

_MOST_PROCESSES = 4
_WORTH_A_PROCESS = 50


@dataclass(frozen=True, slots=True)
class Both:
    """Grades with the threshold off and at the shipped one, and each ticket's seconds when off."""

    free: list[Grade]
    shipped: list[Grade]
    seconds: list[float]


def processes_for(settings: Settings, cases: int) -> int:
    """Return how many processes are worth it; a hosted model is asked from one."""
    if settings.model != LOCAL:
        return 1
    return max(1, min(_MOST_PROCESSES, os.cpu_count() or 1, cases // _WORTH_A_PROCESS))


def evaluate_both(
    cases: list[Case], settings: Settings, concurrency: int, processes: int = 1
) -> Both:
    """Work all cases twice and return the grades in their order.

    Args:
        cases: the tickets.
        settings: which model, and the limits.
        concurrency: tickets at once in each process.
        processes: how many.

    Raises:
        NoModelError: no model is registered.
    """
    if processes == 1:
        return _both(cases, settings, concurrency)
    parts = [cases[at::processes] for at in range(processes)]
    spawn = get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, initializer=_end_with_parent) as pool:
        done = list(pool.map(partial(_both, settings=settings, concurrency=concurrency), parts))
    places = [(at % processes, at // processes) for at in range(len(cases))]
    return Both(
        [done[part].free[at] for part, at in places],
        [done[part].shipped[at] for part, at in places],
        [done[part].seconds[at] for part, at in places],
    )


def _end_with_parent() -> None:
    """End without a word at Ctrl-C, and when the parent is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _both(cases: list[Case], settings: Settings, concurrency: int) -> Both:
    _, model = registered_model(settings)
    free = evaluate(cases, model, settings, How(concurrency, threshold=0.0))
    shipped = _at_threshold(cases, free.grades, model, settings, concurrency)
    return Both(free.grades, shipped, free.seconds)


def _at_threshold(
    cases: list[Case],
    free: list[Grade],
    model: PolicyModel,
    settings: Settings,
    concurrency: int,
) -> list[Grade]:
    """Return the grades at the shipped threshold.

    The threshold is looked at once, after the reading. A ticket that is read surely enough goes
    the very same way as without it, so only the others are worked again.
    """
    below = [g.confidence < model.threshold for g in free]
    again = [c for c, low in zip(cases, below, strict=True) if low]
    handed = iter(evaluate(again, model, settings, How(concurrency)).grades)
    return [next(handed) if low else g for g, low in zip(free, below, strict=True)]
