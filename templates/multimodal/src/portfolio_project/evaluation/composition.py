"""Does the model know which word belongs to what: a caption against one that is almost right.

In the manner of ARO (Yuksekgonul et al. 2023) and SugarCrepe (Hsieh et al. 2023): chance is 50%.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import SplitData
from ..embedder import Embedder
from ..facets import WORLD
from ..world import KINDS, from_row
from ..world.attributes import BACKGROUNDS, COLOURS, RELATIONS, SHAPES, SIZES, TEXTURES
from ..world.captions import describe
from ..world.streams import stream
from .intervals import Estimate, estimate
from .retrieval import Vectors

_ZERO_SHOT = 500
_VALUES: dict[str, tuple[int, int]] = {
    "colour": (0, len(COLOURS)),
    "shape": (1, len(SHAPES)),
    "texture": (2, len(TEXTURES)),
    "size": (3, len(SIZES)),
    "relation": (8, len(RELATIONS)),
    "background": (9, len(BACKGROUNDS)),
}
"""Attribute -> its column in a row of attributes (that of the first thing), and its categories."""


def swap_accuracy(
    embedder: Embedder, data: SplitData, images: Vectors, captions: Vectors
) -> dict[str, Estimate]:
    """Kind -> share of pictures (n, d) nearer to their caption (n, d) than to the swapped one."""
    own = (images * captions).sum(1)
    found: dict[str, Estimate] = {}
    for number, kind in enumerate(data.kinds):
        wrong = embedder.text([row[number] for row in data.negatives])
        found[kind] = estimate(own > (images * wrong).sum(1))
    return found


def zero_shot(embedder: Embedder, data: SplitData, images: Vectors) -> dict[str, Estimate]:
    """Attribute -> share of pictures whose value is told by the nearest of as many captions.

    The captions differ in that attribute alone (of the first thing, for what both have), so no
    classifier is trained (Radford et al. 2021); attributes that took part in training have shown
    the towers these very values. Needs the world's attributes; empty without.
    """
    if data.attributes is None or data.columns != WORLD:
        return {}
    rows = np.asarray(data.attributes[:_ZERO_SHOT])
    found: dict[str, Estimate] = {}
    for name, (column, count) in _VALUES.items():
        prompts = [_caption(_with(row, column, value)) for row in rows for value in range(count)]
        vectors = embedder.text(prompts).reshape(len(rows), count, -1)
        scores = np.einsum("nd,ncd->nc", images[: len(rows)], vectors)
        found[name] = estimate(scores.argmax(1) == rows[:, column])
    return found


def chance_of(attribute: str) -> float:
    """What guessing gives in `zero_shot`."""
    return 1 / _VALUES[attribute][1]


def kinds() -> tuple[str, ...]:
    """What can be swapped in a caption of the world."""
    return KINDS


def _with(row: NDArray[np.int64], column: int, value: int) -> tuple[int, ...]:
    changed = [int(one) for one in row]
    changed[column] = value
    return tuple(changed)


def _caption(row: tuple[int, ...]) -> str:
    return describe(from_row(row), stream(0, 0, 0, "caption"), flip=False)
