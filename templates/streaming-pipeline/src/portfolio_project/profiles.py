"""Worlds by name: how large a simulation, and what training asks of it."""

from dataclasses import dataclass

from .simulator import HANDBOOK, World


@dataclass(frozen=True)
class Profile:
    """A world, how many cards its fraud team can check each day, and how long it learns."""

    world: World
    cards_checked: int
    train_days: int = 7


PROFILES = {
    "small": Profile(
        World(customers=1_000, terminals=2_000, days=70, terminals_hit=1, cards_hit=1), 20
    ),
    "tiny": Profile(World(customers=250, terminals=500, days=56, terminals_hit=1, cards_hit=1), 10),
    "handbook": Profile(HANDBOOK, 100),
}
