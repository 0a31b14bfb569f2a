"""Captions that are almost right: one attribute swapped, every other word as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from .attributes import COLOURS, SHAPES, TEXTURES, Attributes, Thing

Kind = Literal["relation", "colour", "shape", "texture"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_VALUES: dict[Kind, tuple[str, ...]] = {"colour": COLOURS, "shape": SHAPES, "texture": TEXTURES}


def swapped(attributes: Attributes, kind: Kind, draw: np.random.Generator) -> Attributes:
    """A scene that this one is not: the two things exchange places, or the value of one attribute.

    Where the two things share the value, one of them gets another instead. Which of the two ways
    is taken is drawn where both are open.
    """
    if kind == "relation":
        return attributes.exchanged()
    first, second = attributes.first, attributes.second
    mine, theirs = getattr(first, kind), getattr(second, kind)
    if mine != theirs and draw.random() < 0.5:
        return replace(
            attributes, first=_with(first, kind, theirs), second=_with(second, kind, mine)
        )
    values = _VALUES[kind]
    step = int(draw.integers(1, len(values)))
    if draw.random() < 0.5:
        value = values[(values.index(mine) + step) % len(values)]
        return replace(attributes, first=_with(first, kind, value))
    value = values[(values.index(theirs) + step) % len(values)]
    return replace(attributes, second=_with(second, kind, value))


def _with(thing: Thing, kind: Kind, value: str) -> Thing:
    changes: dict[str, str] = {kind: value}
    return replace(thing, **changes)  # type: ignore[arg-type]  # a value of that very attribute
