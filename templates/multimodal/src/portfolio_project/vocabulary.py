"""Captions as numbers: the words that training saw, and one number for all others."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .errors import UserError

PADDING = 0
UNKNOWN = 1
_FIRST_WORD = 2
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


class VocabularyError(UserError):
    """The vocabulary cannot be read, or there is nothing to make one from."""


def words(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    return _WORD.findall(text.casefold())


class Vocabulary:
    """Words and their numbers; equal captions give an equal vocabulary, in any order."""

    def __init__(self, known: Sequence[str], length: int) -> None:
        """Number `known` words from 2; a text is cut, or padded, to `length` words."""
        self.known = tuple(known)
        self.length = length
        self._numbers = {word: number for number, word in enumerate(self.known, _FIRST_WORD)}

    @classmethod
    def of(cls, captions: Iterable[str], *, limit: int = 8_192, length: int = 64) -> Vocabulary:
        """The words of `captions`, the most frequent `limit` of them, at most `length` a text.

        Raises VocabularyError if there is no word at all.
        """
        counts: Counter[str] = Counter()
        longest = 0
        for caption in captions:
            found = words(caption)
            counts.update(found)
            longest = max(longest, len(found))
        if not counts:
            raise VocabularyError("the captions hold no word to learn from")
        ranked = sorted(counts, key=lambda word: (-counts[word], word))[:limit]
        return cls(sorted(ranked), min(longest + 2, length))

    def __len__(self) -> int:
        """How many numbers there are, padding and unknown included."""
        return len(self.known) + _FIRST_WORD

    def encode(self, captions: Sequence[str]) -> NDArray[np.int64]:
        """Numbers of words, shape (n, length), padded with 0; an empty text is one unknown word."""
        numbers = np.full((len(captions), self.length), PADDING, np.int64)
        for row, caption in zip(numbers, captions, strict=True):
            found = [self._numbers.get(word, UNKNOWN) for word in words(caption)] or [UNKNOWN]
            row[: len(found)] = found[: self.length]
        return numbers

    def to_json(self) -> bytes:
        """The vocabulary as `vocabulary.json` holds it."""
        content = {"length": self.length, "words": self.known}
        return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> Vocabulary:
        """Read it back. Raises VocabularyError if `data` holds none."""
        try:
            content = json.loads(data)
            return cls([str(word) for word in content["words"]], int(content["length"]))
        except (ValueError, KeyError, TypeError) as error:
            raise VocabularyError(f"vocabulary.json is damaged: {error}") from None
