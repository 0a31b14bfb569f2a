"""Captions as CLIP numbers them: pieces of words, merged byte by byte, in training and in serving.

Byte-pair encoding (Sennrich, Haddow and Birch 2016) with the merges and the cleaning of CLIP
(Radford et al. 2021). The merges come from the library that brings the text tower, and stand in the
model's vocabulary.json, so serving needs neither that library nor torch. Two things differ from
there: what ftfy repairs (broken encodings, ligatures) stays as it is, and no text can write the
marks of start and end.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from .vocabulary import PADDING, Vocabulary, VocabularyError

_SHORT = re.compile("'(?:s|t|re|ve|m|ll|d)")
_QUOTES = str.maketrans("\u02bc\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f", "'" * 5 + '"' * 4)
_END = "</w>"
_LONGEST = 512
"""Bytes of a piece that are looked at: merging takes the square of it."""


def _characters() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A printable character for each byte: in the order of CLIP's numbers, and in that of bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    shown = {byte: chr(byte) for byte in printable}
    shown |= {byte: chr(256 + at) for at, byte in enumerate(others)}
    return tuple(shown.values()), tuple(shown[byte] for byte in range(256))


_NUMBERED, _SHOWN = _characters()


class BytePairs(Vocabulary):
    """A vocabulary of merges; a text is its pieces between a mark of start and one of end."""

    def __init__(self, merges: Sequence[str], length: int) -> None:
        """Take `merges`, "first second" each, the earliest first; a text is `length` numbers."""
        super().__init__((), length)
        self.known = tuple(merges)
        pairs = [tuple(merge.split(" ")) for merge in merges]
        self._ranks = {pair: rank for rank, pair in enumerate(pairs)}
        symbols = [*_NUMBERED, *(one + _END for one in _NUMBERED), *map("".join, pairs)]
        self._numbers = {symbol: number for number, symbol in enumerate(symbols)}
        self._start, self._stop = len(symbols), len(symbols) + 1
        self._numbers_of = lru_cache(65_536)(self._merged)

    @classmethod
    def fitted(cls, merges: Sequence[str], captions: Iterable[str], most: int) -> BytePairs:
        """As long as the longest of `captions` and two more, at most `most`."""
        made = cls(merges, most)
        longest = max((len(made.pieces(caption)) for caption in captions), default=0)
        return cls(merges, min(longest + 4, most))

    def __len__(self) -> int:
        """How many numbers there are, the two marks included."""
        return self._stop + 1

    def pieces(self, text: str) -> list[int]:
        """The numbers of a text, without marks."""
        return list(chain.from_iterable(map(self._numbers_of, _split(_cleaned(text)))))

    def encode(self, captions: Sequence[str]) -> NDArray[np.int64]:
        """Numbers, shape (n, length), padded with 0; a text that is cut ends with its mark too."""
        numbers = np.full((len(captions), self.length), PADDING, np.int64)
        for row, caption in zip(numbers, captions, strict=True):
            found = [self._start, *self.pieces(caption)[: self.length - 2], self._stop]
            row[: len(found)] = found
        return numbers

    def to_json(self) -> bytes:
        """The vocabulary as `vocabulary.json` holds it."""
        content = {"length": self.length, "merges": self.known}
        return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()

    def _merged(self, piece: str) -> tuple[int, ...]:
        symbols = [_SHOWN[byte] for byte in piece.encode()[:_LONGEST]]
        symbols[-1] += _END
        never = len(self._ranks)
        while len(symbols) > 1:
            best = min(pairwise(symbols), key=lambda pair: self._ranks.get(pair, never))
            if best not in self._ranks:
                break
            symbols = list(_joined(symbols, best))
        return tuple(self._numbers[symbol] for symbol in symbols)


def read_vocabulary(data: bytes) -> Vocabulary:
    """The vocabulary that `vocabulary.json` holds. Raises VocabularyError if there is none."""
    try:
        content = json.loads(data)
        if "merges" in content:
            return BytePairs([str(merge) for merge in content["merges"]], int(content["length"]))
    except (ValueError, KeyError, TypeError) as error:
        raise VocabularyError(f"vocabulary.json is damaged: {error}") from None
    return Vocabulary.from_json(data)


def _cleaned(text: str) -> str:
    plain = unicodedata.normalize("NFC", html.unescape(html.unescape(text))).translate(_QUOTES)
    return " ".join(plain.split()).lower()


def _split(text: str) -> Iterator[str]:
    """Runs of letters, single digits, runs of other signs, and what follows an apostrophe."""
    at = 0
    while at < len(text):
        kind = _kind(text[at])
        end = at + 1
        if short := _SHORT.match(text, at):
            end = short.end()
        elif kind != "N":
            while end < len(text) and _kind(text[end]) == kind:
                end += 1
        if kind != "Z":
            yield text[at:end]
        at = end


def _kind(character: str) -> str:
    """L for letters, N for digits, Z for spaces, S for all others."""
    kind = "Z" if character.isspace() else unicodedata.category(character)[0]
    return kind if kind in "LNZ" else "S"


def _joined(symbols: Sequence[str], pair: tuple[str, str]) -> Iterator[str]:
    """The symbols with every `pair` as one, from the left."""
    at = 0
    while at < len(symbols):
        both = tuple(symbols[at : at + 2]) == pair
        yield "".join(pair) if both else symbols[at]
        at += 1 + both
