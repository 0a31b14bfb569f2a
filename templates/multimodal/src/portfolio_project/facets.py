"""The world's attributes as flat names and values, which is what documents are filtered by."""

from __future__ import annotations

from dataclasses import asdict

from .columns import Columns
from .world import Attributes
from .world.attributes import (
    BACKGROUNDS,
    COLOURS,
    RELATIONS,
    SHAPES,
    SIZES,
    TEXTURES,
)

_THING: dict[str, tuple[str, ...]] = {
    "colour": COLOURS,
    "shape": SHAPES,
    "texture": TEXTURES,
    "size": SIZES,
}
FACETS: dict[str, tuple[str, ...]] = {
    **{
        f"{which}.{name}": values
        for which in ("first", "second")
        for name, values in _THING.items()
    },
    "relation": RELATIONS,
    "background": BACKGROUNDS,
}
"""Name -> what it can be."""

WORLD = Columns.of(FACETS)
"""The columns of `Attributes.row`."""


def facets_of(attributes: Attributes) -> dict[str, str]:
    """Flatten: `first.colour`, ..., `relation`, `background`."""
    flat: dict[str, str] = {}
    for name, value in asdict(attributes).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{part}": str(one) for part, one in value.items()}
        else:
            flat[name] = str(value)
    return flat
