"""Random numbers by counter: a sample's own stream, whatever was drawn before it.

Philox (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011) turns a key and a counter
into numbers. Seed and split are the key, the index of the sample and what is drawn are the counter,
so neither the order of samples nor the number of workers can change a byte.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Part = Literal["picture", "caption", "negatives", "sound", "variant", "batch", "corruption"]
_PARTS: dict[Part, int] = {
    "picture": 0,
    "caption": 1,
    "negatives": 2,
    "sound": 3,
    "variant": 4,
    "batch": 5,
    "corruption": 6,
}


def stream(seed: int, place: int, index: int, part: Part) -> np.random.Generator:
    """The generator of one part of one sample; `place` is the number of its split."""
    # The lowest word of the counter runs within the stream; 2**64 draws are never used up.
    counter = (0, _PARTS[part], index, 0)
    return np.random.Generator(np.random.Philox(counter=counter, key=(seed, place)))
