"""The producer: sends what the simulated world does, at the pace of a virtual clock.

Its position is stored with each batch that it appends, so a killed producer goes on where it
stopped, and nothing is sent twice that the plan does not say is sent twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson

from .broker import Envelope, Log, Progress
from .events import DAY
from .generator import Faults, Plan, plan
from .simulator import World, simulate

TICK_SECONDS = 0.05
CHAPTER_DAYS = 30
"""The live world is simulated so many days at a time."""
_FIRST_HOURS = 7
_BURST = 2_000
_DEARER = 1.7
_MOST = 100_000_000  # cents that the contract takes


def produce(  # noqa: PLR0913 - each by its name
    log: Log,
    world: World,
    *,
    speed: float,
    stop: threading.Event,
    faults: Faults | None = None,
    drift: Path | None = None,
) -> None:
    """Send what comes after the history of `world`, until `stop`: the same customers go on living.

    `speed` is in virtual seconds each second. While the file `drift` exists, people pay more.
    """
    for number, chapter in chapters(world, faults or Faults()):
        _send(log, f"chapter-{number}", chapter, speed, stop, drift)
        if stop.is_set():
            return


def chapters(world: World, faults: Faults) -> Iterator[tuple[int, Plan]]:
    """Numbered plans of the days after the history of `world`, without end."""
    number = 0
    while True:
        number += 1
        begin = world.present + (number - 1) * CHAPTER_DAYS * DAY
        days = (begin - world.start) // DAY + CHAPTER_DAYS
        payments = simulate(replace(world, days=max(days, world.days)))
        first, last = payments.at.searchsorted([begin, begin + CHAPTER_DAYS * DAY]).tolist()
        payments = payments.until(last)
        yield number, plan(payments, faults=faults, seed=number, first=first)


def dearer(event: Envelope) -> Envelope:
    """The same event, a payment's amount multiplied: what inflation or a new customer would do."""
    try:
        body = orjson.loads(event.value)
    except orjson.JSONDecodeError:
        return event
    if not isinstance(body, dict):
        return event
    holder, name = (
        (body, "amount_cents") if "amount_cents" in body else (body.get("amount"), "minor")
    )
    if isinstance(holder, dict) and isinstance(cents := holder.get(name), int) and cents > 0:
        holder[name] = min(round(cents * _DEARER), _MOST)
        return event._replace(value=orjson.dumps(body))
    return event


def _send(  # noqa: PLR0913, PLR0917 - what is sent, where to, how fast, and what to heed
    log: Log, name: str, chapter: Plan, speed: float, stop: threading.Event, drift: Path | None
) -> None:
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
            events = chapter.envelopes(position, until)
            log.append(
                map(dearer, events) if drift is not None and drift.exists() else events,
                producer=name,
                progress=Progress(until, chapter.ledger(until)),
            )
            position = until
