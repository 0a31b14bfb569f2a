"""The producer: sends what the simulated world does, at the pace of a virtual clock.

Its position is stored with each batch that it appends, so a killed producer goes on where it
stopped, and nothing is sent twice that the plan does not say is sent twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from .broker import Log, Progress
from .events import DAY
from .generator import Faults, Plan, plan
from .simulator import World, simulate

TICK_SECONDS = 0.05
CHAPTER_DAYS = 30
"""The live world is simulated so many days at a time."""
_FIRST_HOURS = 7
_BURST = 2_000


def produce(
    log: Log, world: World, *, speed: float, stop: threading.Event, faults: Faults | None = None
) -> None:
    """Send the days after the end of `world`, at `speed` virtual seconds each second, until `stop`.

    `world` is what training has seen: the same customers go on living.
    """
    for number, chapter in chapters(world, faults or Faults()):
        _send(log, f"chapter-{number}", chapter, speed, stop)
        if stop.is_set():
            return


def chapters(world: World, faults: Faults) -> Iterator[tuple[int, Plan]]:
    """Numbered plans of the days after `world`, without end."""
    number = 0
    while True:
        number += 1
        begin = world.days + (number - 1) * CHAPTER_DAYS
        payments = simulate(replace(world, days=begin + CHAPTER_DAYS))
        first = int(payments.at.searchsorted(world.start + begin * DAY))
        yield number, plan(payments, faults=faults, seed=number, first=first)


def _send(log: Log, name: str, chapter: Plan, speed: float, stop: threading.Event) -> None:
    position = log.progress(name).position
    if position >= len(chapter):
        return
    begin = int(chapter.arrived_at[position])
    if position == 0:
        begin += _FIRST_HOURS * 3600  # a day begins slowly: show its morning at once
    started = time.monotonic()
    while position < len(chapter) and not stop.wait(TICK_SECONDS):
        now = begin + int((time.monotonic() - started) * speed)
        until = min(chapter.position_at(now), position + _BURST)
        if until > position:
            log.append(
                chapter.envelopes(position, until),
                producer=name,
                progress=Progress(until, chapter.ledger(until)),
            )
            position = until
