"""Worlds by name: how large a simulation, and what training asks of it."""

from dataclasses import dataclass, replace

from .config import TrainConfig
from .simulator import HANDBOOK, World


@dataclass(frozen=True)
class Profile:
    """A world, and what training asks of it."""

    world: World
    training: TrainConfig


PROFILES = {
    "small": Profile(
        World(customers=1_000, terminals=2_000, days=70, terminals_hit=1, cards_hit=1),
        TrainConfig(cards_checked=20),
    ),
    "tiny": Profile(
        World(customers=400, terminals=800, days=56, terminals_hit=1, cards_hit=1),
        TrainConfig(cards_checked=10),
    ),
    "handbook": Profile(
        replace(HANDBOOK, history_days=143), TrainConfig(train_days=7, cards_checked=100)
    ),
}
"""small is the default; tiny is for tests; handbook is the published data
set, up to the day on which the labels of its published test week had arrived."""
