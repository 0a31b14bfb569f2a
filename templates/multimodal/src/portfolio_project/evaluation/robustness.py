"""What happens when pictures are worse, or captions are other, than those of the training."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ..data.dataset import SplitData
from ..embedder import Embedder
from ..vocabulary import words
from ..world.streams import stream
from .intervals import Estimate, estimate
from .retrieval import Vectors, ranks

Pixels = NDArray[np.uint8]
_PLACE = 200  # in the streams of random numbers; no split of the world has it


def slices(
    embedder: Embedder, data: SplitData, images: Vectors, captions: Vectors
) -> dict[str, Estimate]:
    """Name of a slice -> text to image recall@1; `images` and `captions` are the clean ones."""
    found = {"as they are": _recall(captions, images)}
    for name, change in _PICTURES.items():
        changed = np.stack(
            [
                change(picture, stream(0, _PLACE, index, "corruption"))
                for index, picture in enumerate(data.images)
            ]
        )
        found[name] = _recall(captions, embedder.image(changed))
    for name, rewrite in _TEXTS.items():
        texts = [
            rewrite(text, stream(0, _PLACE + 1, index, "corruption"))
            for index, text in enumerate(data.captions)
        ]
        found[name] = _recall(embedder.text(texts), images)
    return found


def _recall(captions: Vectors, images: Vectors) -> Estimate:
    return estimate(ranks(captions, images) == 0)


def _darker(picture: Pixels, _draw: np.random.Generator) -> Pixels:
    return (picture * np.float32(0.5)).astype(np.uint8)


def _noisy(picture: Pixels, draw: np.random.Generator) -> Pixels:
    noise = draw.normal(0, 20, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def _blurred(picture: Pixels, _draw: np.random.Generator) -> Pixels:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(0.8)))


def _moved(picture: Pixels, draw: np.random.Generator) -> Pixels:
    down, across = draw.integers(-3, 4, 2)
    padded = np.pad(picture, ((3, 3), (3, 3), (0, 0)), mode="edge")
    height, width = picture.shape[:2]
    return padded[3 + down : 3 + down + height, 3 + across : 3 + across + width]


def _compressed(picture: Pixels, _draw: np.random.Generator) -> Pixels:
    held = io.BytesIO()
    Image.fromarray(picture).save(held, "JPEG", quality=40)
    return np.asarray(Image.open(held))


def _one_less(text: str, draw: np.random.Generator) -> str:
    said = words(text)
    said.pop(int(draw.integers(len(said))))
    return " ".join(said)


def _odd_word(text: str, draw: np.random.Generator) -> str:
    said = words(text)
    said.insert(int(draw.integers(len(said) + 1)), "rather")
    return " ".join(said)


_PICTURES: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "half as bright": _darker,
    "noise of 20": _noisy,
    "blurred": _blurred,
    "moved by up to 3 pixels": _moved,
    "JPEG of quality 40": _compressed,
}
_TEXTS: dict[str, Callable[[str, np.random.Generator], str]] = {
    "a word left out": _one_less,
    "an unknown word put in": _odd_word,
}
