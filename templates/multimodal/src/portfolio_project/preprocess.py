"""From the bytes of a file to what a tower takes: checked first, and the same in training and use.

Pillow, soundfile and NumPy only: nothing here needs torch.
"""

from __future__ import annotations

import io
import math
import threading
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

# A large picture in one block of memory goes back to the system when it is done with; pieces of it
# would stay with the thread that decoded it (PILLOW_BLOCK_SIZE in Pillow's handbook).
_pillow: Any = Image
_pillow.core.set_block_size(256 << 20)

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
_LARGE = 4_000_000
_large = threading.BoundedSemaphore(2)
"""Pictures of more than `_LARGE` pixels wait for each other: one may take hundreds of megabytes."""
_QUIET = 1e-4
_MOST_SAMPLES_A_SECOND = 192_000
_BLOCK = 16_384
"""Samples of each channel that are decoded at once."""
_FINER = 4
"""A JPEG is decoded at a half, a quarter or an eighth, if that leaves so many times the side."""


class BadMedia(Exception):
    """A picture or a sound that is not taken; `reason` says why, in one line."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may be at most.

    Attributes:
        max_bytes: size of the file.
        max_pixels: width times height, looked at before anything is decoded.
        min_side: width and height in pixels.
        max_stretch: the longer side divided by the shorter one.
        max_seconds: length of a sound.
        sample_rate: samples a second that a sound is brought to.
    """

    max_bytes: int = 10_000_000
    max_pixels: int = 25_000_000
    min_side: int = 8
    max_stretch: float = math.inf
    max_seconds: float = 60.0
    sample_rate: int = 8_000


class SpectrogramParameters(BaseModel):
    """How a sound becomes a picture of its pitch over time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_rate: int = Field(default=8_000, ge=1_000)
    length: int = Field(default=4_096, ge=512)
    """Samples that are looked at; a longer sound is cut, a shorter one followed by silence."""
    window: int = Field(default=512, ge=64)
    hop: int = Field(default=128, ge=16)
    bands: int = Field(default=64, ge=8)

    @property
    def frames(self) -> int:
        """How many windows fit, the sound padded by half a window at both ends."""
        return 1 + self.length // self.hop


def decode_image(data: bytes, side: int, limits: Limits) -> Pixels:
    """The middle square in red, green and blue, (side, side, 3). Raises BadMedia with the reason.

    Most of the work with a photograph is to decode and to scale pixels that nobody sees, so a JPEG
    is scaled in its cosine transform first (Pillow's draft mode).
    """
    _check_size(data, limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as image:
                _check_shape(image, limits)
                image.draft(None, (_FINER * side, _FINER * side))
                with _large if image.width * image.height > _LARGE else nullcontext():
                    image.load()
                    ImageOps.exif_transpose(image, in_place=True)
                    found = np.array(_flat(_square(_plain(image), side)), np.uint8)
                    image.close()  # its memory is free before the next large one begins
                    return found
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadMedia(f"the picture has more than {limits.max_pixels:,} pixels") from None
    except UnidentifiedImageError:
        raise BadMedia(f"this is no picture; give {', '.join(IMAGE_FORMATS)}") from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise BadMedia(f"the picture is damaged: {_line(error)}") from None


def fit_image(pixels: Pixels, side: int) -> Pixels:
    """The middle square of a picture, scaled to (side, side, 3)."""
    height, width = pixels.shape[:2]
    if height == width == side:
        return pixels
    return np.asarray(_square(Image.fromarray(pixels), side), np.uint8)


def decode_sound(data: bytes, limits: Limits) -> Floats:
    """One channel at `limits.sample_rate`, shape (samples,). Raises BadMedia with the reason."""
    _check_size(data, limits)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate = file.samplerate
            if rate > _MOST_SAMPLES_A_SECOND:
                raise BadMedia(f"it has more than {_MOST_SAMPLES_A_SECOND:,} samples a second")
            if file.frames / rate > limits.max_seconds:
                raise BadMedia(f"the sound is longer than {limits.max_seconds:g} seconds")
            # Block by block: a small file may hold many silent channels.
            blocks = file.blocks(_BLOCK, dtype="float32", always_2d=True)
            parts = [block.mean(axis=1, dtype=np.float32) for block in blocks]
    except soundfile.SoundFileError:
        raise BadMedia("this is no sound that can be read; give WAV, FLAC, OGG or MP3") from None
    mono: Floats = np.concatenate([*parts, np.zeros(0, np.float32)])
    if not mono.size:
        raise BadMedia("the sound is empty")
    if not np.isfinite(mono).all():
        raise BadMedia("the sound holds values that are no numbers")
    return resample(mono, rate, limits.sample_rate)


def resample(samples: Floats, rate: int, wanted: int) -> Floats:
    """The sound at `wanted` samples a second, by way of its spectrum."""
    if rate == wanted:
        return samples
    length = max(1, round(len(samples) * wanted / rate))
    spectrum = np.fft.rfft(samples)[: length // 2 + 1]
    found: Floats = (np.fft.irfft(spectrum, length) * (length / len(samples))).astype(np.float32)
    return found


def spectrogram(sounds: list[Floats], parameters: SpectrogramParameters) -> Floats:
    """Loudness by band and frame, shape (n, bands, frames), about zero mean and unit spread.

    Short-time Fourier transform with a Hann window, summed in triangular bands that are evenly
    spaced on the mel scale (Stevens, Volkmann and Newman, 1937), in decibels.
    """
    half = parameters.window // 2
    held = np.zeros((len(sounds), parameters.length + 2 * half), np.float32)
    for row, sound in zip(held, sounds, strict=True):
        cut = sound[: parameters.length]
        row[half : half + len(cut)] = cut
    frames = np.lib.stride_tricks.sliding_window_view(held, parameters.window, axis=1)
    frames = frames[:, :: parameters.hop][:, : parameters.frames]
    power = np.abs(np.fft.rfft(frames * _hann(parameters.window), axis=2)) ** 2
    loud = np.log10(
        power.astype(np.float32)
        @ _bands(parameters.window, parameters.sample_rate, parameters.bands)
        + np.float32(_QUIET)
    )
    found: Floats = ((loud.transpose(0, 2, 1) + 1) / 2).astype(np.float32)
    return np.ascontiguousarray(found)


def _check_size(data: bytes, limits: Limits) -> None:
    if not data:
        raise BadMedia("the file is empty")
    if len(data) > limits.max_bytes:
        raise BadMedia(f"the file has more than {limits.max_bytes:,} bytes")


def _check_shape(image: Image.Image, limits: Limits) -> None:
    if image.width * image.height > limits.max_pixels:
        raise BadMedia(f"the picture has more than {limits.max_pixels:,} pixels")
    if min(image.size) < limits.min_side:
        raise BadMedia(f"the picture is {image.width} x {image.height}: too small to see anything")
    if max(image.size) > limits.max_stretch * min(image.size):
        raise BadMedia(
            f"{image.width} x {image.height} is no shape whose middle square shows the picture"
        )


def _square(image: Image.Image, side: int) -> Image.Image:
    if image.size == (side, side):
        return image
    return ImageOps.fit(image, (side, side), Image.Resampling.BILINEAR)


def _plain(image: Image.Image) -> Image.Image:
    """In 8 bits a channel and without a palette, so that it can be scaled."""
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would cut off at 255
        return Image.fromarray((np.asarray(image).clip(0, 65_535) >> 8).astype(np.uint8))
    mode = "RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _flat(image: Image.Image) -> Image.Image:
    """Without transparency: what shines through is white, as on a page."""
    if "A" not in image.getbands():
        return image.convert("RGB")
    over = image.convert("RGBA")
    page = Image.new("RGBA", over.size, "white")
    return Image.alpha_composite(page, over).convert("RGB")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


@cache
def _hann(window: int) -> Floats:
    return np.hanning(window + 1)[:-1].astype(np.float32)


@cache
def _bands(window: int, sample_rate: int, bands: int) -> Floats:
    """Weights of frequencies in bands, shape (window // 2 + 1, bands)."""
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    heard = np.fft.rfftfreq(window, 1 / sample_rate)[:, None]
    step = sample_rate / window  # no band is narrower than a frequency
    rise = (heard - np.minimum(low, middle - step)) / np.maximum(middle - low, step)
    fall = (np.maximum(high, middle + step) - heard) / np.maximum(high - middle, step)
    weights: Floats = np.clip(np.minimum(rise, fall), 0, None).astype(np.float32)
    return weights
