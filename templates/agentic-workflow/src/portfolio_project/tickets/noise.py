"""Small damage to a text, as hurried people do it; numbers and addresses stay whole."""

import re

import numpy as np

_PIECE = re.compile(r"\S*@\S*|[A-Za-z]{5,}")


def perturb(text: str, rng: np.random.Generator, strength: float) -> str:
    """Return `text` with two letters swapped, or one lost, in about `strength` of its words."""

    def slip(match: re.Match[str]) -> str:
        word = match[0]
        if "@" in word or rng.random() >= strength:
            return word
        at = int(rng.integers(1, len(word) - 2))
        swap = rng.random() < 0.5
        return word[:at] + (word[at + 1] + word[at] if swap else word[at]) + word[at + 2 :]

    return _PIECE.sub(slip, text)
