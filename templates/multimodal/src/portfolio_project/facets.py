"""The world's attributes as flat names and values, which is what documents are filtered by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from .world import Attributes
from .world.attributes import (
    BACKGROUNDS,
    COLOURS,
    RELATIONS,
    SHAPES,
    SIZES,
    TEXTURES,
    Thing,
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


def facets_of(attributes: Attributes) -> dict[str, str]:
    """Flatten: `first.colour`, ..., `relation`, `background`."""
    flat: dict[str, str] = {}
    for name, value in asdict(attributes).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{part}": str(one) for part, one in value.items()}
        else:
            flat[name] = str(value)
    return flat


def attributes_of(facets: Mapping[str, str]) -> Attributes | None:
    """The attributes that `facets` spell out in full, None where one is missing or unknown."""
    if any(facets.get(name) not in values for name, values in FACETS.items()):
        return None
    first, second = (
        Thing(**{name: facets[f"{which}.{name}"] for name in _THING})  # type: ignore[arg-type]  # checked above
        for which in ("first", "second")
    )
    return Attributes(first, second, facets["relation"], facets["background"])  # type: ignore[arg-type]  # checked above
