"""What can be in a scene: two things, how they lie to each other, and the ground behind them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

Colour = Literal["red", "orange", "yellow", "green", "cyan", "blue", "purple", "white"]
Shape = Literal["circle", "square", "triangle", "diamond", "cross", "star", "ring", "crescent"]
Texture = Literal["solid", "striped", "dotted", "checkered"]
Size = Literal["small", "large"]
Relation = Literal["left of", "above"]
Background = Literal["black", "grey", "brown", "navy"]

COLOURS: tuple[Colour, ...] = get_args(Colour)
SHAPES: tuple[Shape, ...] = get_args(Shape)
TEXTURES: tuple[Texture, ...] = get_args(Texture)
SIZES: tuple[Size, ...] = get_args(Size)
RELATIONS: tuple[Relation, ...] = get_args(Relation)
BACKGROUNDS: tuple[Background, ...] = get_args(Background)

HELD_OUT = tuple((colour, SHAPES[(3 * at + 1) % 8]) for at, colour in enumerate(COLOURS))
"""Pairs of a colour and a shape that no training scene shows: one for each colour and shape."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of a scene."""

    colour: Colour
    shape: Shape
    texture: Texture
    size: Size


@dataclass(frozen=True, slots=True)
class Attributes:
    """All that a caption can say. `first` is the left or the upper thing of the two."""

    first: Thing
    second: Thing
    relation: Relation
    background: Background

    def row(self) -> tuple[int, ...]:
        """Ten numbers of categories, in the order of `ROW_SIZES`."""
        things = (
            number
            for thing in (self.first, self.second)
            for number in (
                COLOURS.index(thing.colour),
                SHAPES.index(thing.shape),
                TEXTURES.index(thing.texture),
                SIZES.index(thing.size),
            )
        )
        return (*things, RELATIONS.index(self.relation), BACKGROUNDS.index(self.background))

    def as_dict(self) -> dict[str, object]:
        """The same as plain data, for JSON."""
        return asdict(self)

    def exchanged(self) -> Attributes:
        """The two things in each other's place."""
        return replace(self, first=self.second, second=self.first)


ROW_SIZES = (8, 8, 4, 2, 8, 8, 4, 2, 2, 4)
"""How many categories each column of `Attributes.row` has."""


def from_row(row: tuple[int, ...]) -> Attributes:
    """The attributes whose `row()` this is. Raises IndexError for a number out of range."""
    things = [
        Thing(COLOURS[colour], SHAPES[shape], TEXTURES[texture], SIZES[size])
        for colour, shape, texture, size in (row[:4], row[4:8])
    ]
    return Attributes(things[0], things[1], RELATIONS[row[8]], BACKGROUNDS[row[9]])
