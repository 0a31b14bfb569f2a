"""A photograph to send: nobody took it, but it costs to decode what one costs."""

from __future__ import annotations

import io
from base64 import b64encode

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 1_600, 1_200
_GRAIN = 6.0
"""Spread of the noise in a channel, as of a small sensor indoors."""


def photograph() -> str:
    """Return the file of a JPEG of `WIDTH` by `HEIGHT`, in base64."""
    draw = np.random.default_rng(0)
    things = Image.fromarray(draw.integers(0, 256, (12, 16, 3)).astype(np.uint8))
    smooth = np.asarray(things.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    grainy = smooth + draw.normal(0, _GRAIN, smooth.shape)
    held = io.BytesIO()
    Image.fromarray(grainy.clip(0, 255).astype(np.uint8)).save(held, "JPEG", quality=85)
    return b64encode(held.getvalue()).decode()
