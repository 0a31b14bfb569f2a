"""Why a picture fits a question: what is lost when a word, or a patch of the picture, is hidden.

Occlusion (Zeiler and Fergus, 2014): it asks the model and looks at no gradient, so it works on the
exported model, and shows what the served answer rests on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .embedder import Embedder

GRID = 8
"""Rows and columns of the heat map."""

SPAN = 2
"""A patch that is hidden covers so many cells each way."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the question, and how much the cosine falls without it."""

    word: str
    weight: float


def weigh_words(embedder: Embedder, text: str, against: NDArray[np.float32]) -> list[Word]:
    """How much each word carries of the cosine between `text` and the unit vector `against`."""
    words = text.split()
    without = [" ".join(words[:at] + words[at + 1 :]) or " " for at in range(len(words))]
    scores = embedder.text([text, *without]) @ against
    return [
        Word(word, float(scores[0] - score)) for word, score in zip(words, scores[1:], strict=True)
    ]


def weigh_regions(
    embedder: Embedder, pixels: NDArray[np.uint8], against: NDArray[np.float32]
) -> NDArray[np.float32]:
    """How much each cell of a picture (side, side, 3) carries, shape (GRID, GRID).

    A patch is painted in the picture's commonest colour; a cell's weight is the mean of the losses
    of the patches that cover it.
    """
    side = pixels.shape[0]
    edges = np.linspace(0, side, GRID + 1).round().astype(int)
    colours, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    hidden = [pixels]
    places = [(r, c) for r in range(GRID - SPAN + 1) for c in range(GRID - SPAN + 1)]
    for row, column in places:
        copy = pixels.copy()
        patch = slice(edges[row], edges[row + SPAN]), slice(edges[column], edges[column + SPAN])
        copy[patch] = colours[counts.argmax()]
        hidden.append(copy)
    scores = embedder.image(np.stack(hidden)) @ against
    lost, covered = np.zeros((GRID, GRID)), np.zeros((GRID, GRID))
    for (row, column), score in zip(places, scores[1:], strict=True):
        lost[row : row + SPAN, column : column + SPAN] += scores[0] - score
        covered[row : row + SPAN, column : column + SPAN] += 1
    return (lost / covered).astype(np.float32)
