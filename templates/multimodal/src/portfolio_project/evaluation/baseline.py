"""What needs no network: the colours of a picture, the words of a caption, and a line between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import SplitData
from ..vocabulary import Vocabulary
from .retrieval import Vectors

_LEVELS = 4
_RIDGE = 1.0
_MOST = 8_000


def baseline_vectors(train: SplitData, test: SplitData) -> tuple[Vectors, Vectors]:
    """Captions and pictures of `test` (n, words): bags of words, and those that colours foretell.

    Ridge regression from the colour histogram to the bag of words, fitted on at most 8,000 training
    samples. Words that most captions have weigh little (inverse document frequency).
    """
    vocabulary = Vocabulary.of(train.captions)
    bags = _bags(vocabulary, train.captions[:_MOST])
    weight = np.log(len(bags) / (1 + (bags > 0).sum(0))).clip(0).astype(np.float32)
    colours = _histograms(np.asarray(train.images[:_MOST]))
    middle = colours.mean(0), (bags * weight).mean(0)
    centred = colours - middle[0]
    gram = centred.T @ centred + _RIDGE * np.eye(centred.shape[1])
    line = np.linalg.solve(gram, centred.T @ (bags * weight - middle[1]))
    foretold = (_histograms(np.asarray(test.images)) - middle[0]) @ line
    said = _bags(vocabulary, test.captions) * weight - middle[1]
    return _unit(said), _unit(foretold)


def _bags(vocabulary: Vocabulary, captions: Sequence[str]) -> NDArray[np.float32]:
    numbers = vocabulary.encode(captions)
    found = np.zeros((len(numbers), len(vocabulary)), np.float32)
    np.add.at(found, (np.arange(len(numbers))[:, None], numbers), 1)
    found[:, 0] = 0  # padding
    return found


def _histograms(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Share of pixels in each of 64 colours, square roots of it (n, 64)."""
    levels = (images // (256 // _LEVELS)).astype(np.int64)
    codes = (levels[..., 0] * _LEVELS + levels[..., 1]) * _LEVELS + levels[..., 2]
    flat = codes.reshape(len(images), -1)
    found = np.stack([np.bincount(row, minlength=_LEVELS**3) for row in flat])
    return np.sqrt(found / flat.shape[1])


def _unit(vectors: NDArray[np.float64] | NDArray[np.float32]) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Vectors = (vectors / np.maximum(length, 1e-9)).astype(np.float32)
    return found
