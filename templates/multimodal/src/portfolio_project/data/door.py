"""Where each sample is checked: what passes has the one normal form, what does not has a reason."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from ..config import ModelConfig
from ..preprocess import BadMedia, Limits, Pixels, decode_image, decode_sound
from ..vocabulary import words
from .dataset import to_samples
from .records import Record, read_media

OwnSplit = Literal["train", "validation", "test"]
_LONGEST_CAPTION = 2_000
_MOST_STRETCHED = 8


class Told(BaseModel):
    """The words of a sample."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    caption: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST_CAPTION),
    ]
    split: OwnSplit = "train"


@dataclass(frozen=True, eq=False, slots=True)
class Taken:
    """A sample in the normal form.

    Attributes:
        image: (side, side, 3).
        sound: 16-bit samples, if the configuration hears.
        attributes: what it says in the columns that the configuration names.
        caption: without line breaks or spaces at its ends.
        split: the split that the source asks for; train if it says nothing.
        picture: a hash of the picture's content.
        key: a hash of the whole sample.
    """

    image: Pixels
    sound: NDArray[np.int16] | None
    attributes: tuple[str, ...]
    caption: str
    split: OwnSplit
    picture: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record was not taken, in one line."""

    reason: str


class Door:
    """Checks records for a model: its side of pictures, its length of sounds, its attributes."""

    def __init__(self, model: ModelConfig, limits: Limits) -> None:
        """Ask for a sound where `model` hears, for attributes where it learns from them.

        Files are taken within `limits`.
        """
        self._side = model.image_side
        self._limits = replace(limits, max_stretch=_MOST_STRETCHED)
        self._length = model.spectrogram.length if "sound" in model.modalities else 0
        self._columns = model.attributes if "attributes" in model.trained else ()

    def check(self, record: Record) -> Taken | Refused:
        """Take a record or say why not; whatever is in it, this does not fail."""
        if record.fault:
            return Refused(record.fault)
        try:
            told = Told.model_validate(record.told)
        except ValidationError as error:
            return Refused(_wording(error))
        try:
            with _named("image"):
                image = self._image(record)
            with _named("sound"):
                sound = self._sound(record) if self._length else None
            with _named("attributes"):
                attributes = self._attributes(record)
        except BadMedia as error:
            return Refused(error.reason)
        caption = " ".join(told.caption.split())
        if not words(caption):
            return Refused("caption: there is no word in it")
        picture = _hash(image.tobytes())
        heard = b"" if sound is None else sound.tobytes()
        also = "".join(f"{value}\0" for value in attributes).encode()
        key = _hash(picture + f"{told.split} {caption}\0".encode() + heard + also)
        return Taken(image, sound, attributes, caption, told.split, picture, key)

    def _image(self, record: Record) -> Pixels:
        if record.image is None:
            raise BadMedia("missing")
        data = read_media(record.image, self._limits.max_bytes)
        return decode_image(data, self._side, self._limits)

    def _sound(self, record: Record) -> NDArray[np.int16]:
        if record.sound is None:
            raise BadMedia("missing; this configuration hears")
        data = read_media(record.sound, self._limits.max_bytes)
        return to_samples(decode_sound(data, self._limits), self._length)

    def _attributes(self, record: Record) -> tuple[str, ...]:
        for name in self._columns:
            if name not in record.facets:
                raise BadMedia(f"{name} is missing or empty")
        return tuple(record.facets[name] for name in self._columns)


@contextmanager
def _named(part: str) -> Generator[None]:
    """Say which part of the sample a fault is of."""
    try:
        yield
    except BadMedia as error:
        raise BadMedia(f"{part}: {error.reason}") from None


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _wording(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] in {"missing", "string_too_short"}:
        return f"{field}: missing or empty"
    return f"{field}: {first['msg']}"
