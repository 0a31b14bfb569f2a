"""What the policy model learns from: tickets with their reading, and the expert's traces.

Seeds of the corpus and of the evaluation never meet; see `SEEDS`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Engine

from ..world.vocabulary import INTENTS
from .compose import Composed, Style, compose, with_second
from .draw import draw_task, records
from .phrasing import Writer
from .task import Task
from .trace import follow

SEEDS = {"training": 0, "evaluation": 1_000_000}
NOISE = 0.06
_STYLE_SHARES: tuple[tuple[Style, float], ...] = (
    ("plain", 0.58),
    ("distractor", 0.16),
    ("quote", 0.09),
    ("injection", 0.09),
    ("two", 0.08),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A ticket and its reading. An intent of "other" also stands for two requests in one."""

    task: Task
    composed: Composed

    def to_json(self) -> dict[str, Any]:
        """Return the example as it stands in the corpus."""
        return {
            "requester": self.task.requester,
            "text": self.composed.text,
            "spans": [list(span) for span in self.composed.spans],
            "phrase": self.composed.phrase,
            "intent": "other" if self.task.second else self.task.intent,
            "slots": {} if self.task.second else self.task.slots,
            "two": self.task.second is not None,
        }


def example(seed: int, bank: str = "training") -> Example:
    """Return the example of a seed, written in the manner of a phrase file."""
    rng = np.random.default_rng([seed, 3])
    names, shares = zip(*_STYLE_SHARES, strict=True)
    style: Style = names[int(rng.choice(len(names), p=shares))]
    task = draw_task(seed, missing=bool(rng.random() < 0.08))
    if style == "two":
        task = _two(seed, rng)
    writer = Writer(bank, rng, records(task))
    noise = NOISE if rng.random() < 0.5 else 0.0
    return Example(task, compose(writer, task, (style,), noise=noise))


def _two(seed: int, rng: np.random.Generator) -> Task:
    first, second = rng.choice(len(INTENTS) - 1, 2, replace=False)
    return with_second(draw_task(seed, INTENTS[first]), draw_task(seed, INTENTS[second]))


def readings(count: int, start: int = SEEDS["training"]) -> Iterator[dict[str, Any]]:
    """Yield `count` examples to learn reading from."""
    for seed in range(start, start + count):
        yield example(seed).to_json()


def traces(engine: Engine, count: int, start: int = SEEDS["training"]) -> Iterator[dict[str, Any]]:
    """Yield what the expert does with the first `count` examples, each in its own company."""
    for seed in range(start, start + count):
        task = example(seed).task
        trace = follow(engine, f"training-{seed}", "ticket", task, "", states=False)
        yield {
            "intent": "other" if task.second else task.intent,
            "requester": task.requester,
            "slots": {} if task.second else task.slots,
            "calls": [list(call) for call in trace.calls],
            "outcome": trace.outcome,
        }
