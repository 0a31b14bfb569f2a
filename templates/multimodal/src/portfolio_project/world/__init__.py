"""A world without end, made by a formula: pictures, captions, sounds and what is in them.

`sample(seed, split, index)` is a pure function. No scene occurs twice, and none in two splits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .attributes import ROW_SIZES, Attributes, Thing, from_row
from .captions import describe
from .negatives import KINDS, Kind, swapped
from .render import SIDE, render
from .scenes import SPLITS, Split, capacity, scene
from .sounds import LENGTH, SAMPLE_RATE, synthesise
from .streams import stream

__all__ = [
    "KINDS",
    "LENGTH",
    "ROW_SIZES",
    "SAMPLE_RATE",
    "SIDE",
    "SPLITS",
    "Attributes",
    "Kind",
    "Sample",
    "Split",
    "Thing",
    "capacity",
    "from_row",
    "hard_negatives",
    "sample",
    "scene",
    "stream",
]


@dataclass(frozen=True, eq=False)
class Sample:
    """One scene in every form.

    Attributes:
        image: (64, 64, 3), red, green, blue.
        caption: one of the many that fit.
        sound: (4096,) at 8,000 samples a second, within -1 and 1.
        attributes: what is in it.
    """

    image: NDArray[np.uint8]
    caption: str
    sound: NDArray[np.float32]
    attributes: Attributes


def sample(seed: int, split: Split, index: int) -> Sample:
    """Sample `index` of `split` in the world `seed`. Raises IndexError beyond its capacity."""
    place = SPLITS.index(split)
    found = scene(seed, split, index)
    return Sample(
        render(found, stream(seed, place, index, "picture")),
        _caption(seed, place, index, found),
        synthesise(found, stream(seed, place, index, "sound")),
        found,
    )


def hard_negatives(seed: int, split: Split, index: int) -> dict[Kind, str]:
    """For each kind, a caption that would fit the sample if that attribute were swapped.

    The two things may be told from the other's point of view, so that no single word gives the
    swap away.
    """
    place = SPLITS.index(split)
    found = scene(seed, split, index)
    draw = stream(seed, place, index, "negatives")
    told: dict[Kind, str] = {}
    for kind in KINDS:
        other = swapped(found, kind, draw)
        turned = kind == "relation" and draw.random() < 0.5
        told[kind] = _caption(seed, place, index, other, turned=turned)
    return told


def _caption(
    seed: int, place: int, index: int, attributes: Attributes, *, turned: bool = False
) -> str:
    draw = stream(seed, place, index, "caption")
    flip = bool(draw.random() < 0.5)
    return describe(attributes, draw, flip=flip is not turned)
