"""Play a scene: one thing after the other, each a tone that can be told from all others.

Colour is the pitch within an octave, size the octave, shape the timbre and texture the rhythm. A
hiss between the two tones says that one is above the other, silence that they are side by side,
and the noise behind them is the background's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .attributes import COLOURS, TEXTURES, Attributes, Background, Shape, Thing

Wave = NDArray[np.float32]

SAMPLE_RATE = 8_000
"""Samples a second."""
LENGTH = 4_096
"""Samples of a scene's sound: about half a second."""

_TONE = 1_792
_JOINT = LENGTH - 2 * _TONE
_LOWEST = {"large": 190.0, "small": 380.0}
_HARMONICS: dict[Shape, tuple[float, ...]] = {
    "circle": (1, 0, 0, 0, 0, 0),
    "square": (1, 0, 0.8, 0, 0.6, 0),
    "triangle": (1, 0.8, 0, 0, 0, 0),
    "diamond": (1, 0, 0, 0.9, 0, 0),
    "cross": (0.4, 0, 0, 0, 1, 0),
    "star": (0.8, 0.7, 0.6, 0.6, 0.6, 0.6),
    "ring": (0.3, 1, 0, 0.7, 0, 0),
    "crescent": (0.6, 0, 1, 0, 0, 0.8),
}
_TIME = (np.arange(_TONE) / SAMPLE_RATE).astype(np.float32)
_FADE = np.minimum(1, np.minimum(np.arange(_TONE), np.arange(_TONE)[::-1]) / 64).astype(np.float32)
_BEATS = np.array([0, 9, 18, 9])
_HISS: dict[Background, tuple[float, float]] = {
    "black": (0.0, 0.0),
    "grey": (0.02, 0.0),
    "brown": (0.02, 0.95),
    "navy": (0.02, -0.95),
}


def synthesise(attributes: Attributes, draw: np.random.Generator) -> Wave:
    """The sound of the scene, shape (LENGTH,), within -1 and 1."""
    joint = np.zeros(_JOINT, np.float32)
    if attributes.relation == "above":
        joint += draw.normal(0, 0.15, _JOINT).astype(np.float32)
    tones = [_tone(attributes.first, draw), joint, _tone(attributes.second, draw)]
    wave = np.concatenate(tones) + _ground(attributes.background, draw)
    wave += draw.normal(0, 0.003, LENGTH).astype(np.float32)
    found: Wave = np.clip(wave * np.float32(draw.uniform(0.7, 1.0)), -1, 1).astype(np.float32)
    return found


def _tone(thing: Thing, draw: np.random.Generator) -> Wave:
    pitch = _LOWEST[thing.size] * 2 ** (COLOURS.index(thing.colour) / 8)
    pitch *= float(draw.uniform(0.995, 1.005))
    wave = np.zeros(_TONE, np.float32)
    for number, strength in enumerate(_HARMONICS[thing.shape], start=1):
        phase = float(draw.uniform(0, 2 * np.pi))
        if strength and number * pitch < SAMPLE_RATE * 0.48:
            wave += np.float32(strength) * np.sin(
                np.float32(2 * np.pi * number * pitch) * _TIME + np.float32(phase)
            )
    wave *= np.float32(0.3 / np.sqrt(sum(s * s for s in _HARMONICS[thing.shape])))
    return wave * _rhythm(thing, draw) * _FADE


def _rhythm(thing: Thing, draw: np.random.Generator) -> Wave | np.float32:
    """How loudness runs over a tone: held, beating, pulsing, or fading beats."""
    number = TEXTURES.index(thing.texture)
    if not number:
        return np.float32(1)
    phase = np.float32(draw.uniform(0, 2 * np.pi))
    beat = np.sin(np.float32(2 * np.pi * float(_BEATS[number])) * _TIME + phase)
    if thing.texture == "checkered":
        beat = np.sign(beat) * np.sin(np.float32(2 * np.pi * 36) * _TIME)
    found: Wave = (np.float32(0.5) + np.float32(0.5) * beat).astype(np.float32)
    return found


def _ground(background: Background, draw: np.random.Generator) -> Wave:
    loud, colour = _HISS[background]
    noise = draw.normal(0, 1, LENGTH).astype(np.float32)
    if colour:
        # A one-pole filter, cut off after 64 samples: low notes for brown, high ones for navy.
        kernel = (colour ** np.arange(64)).astype(np.float32)
        kernel /= np.sqrt((kernel**2).sum())
        noise = np.convolve(noise, kernel)[:LENGTH]
    return noise * np.float32(loud)
