"""Turns text into named features. The same function serves training and serving."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from sys import intern

from .candidates import Candidate, find

_TOKEN = re.compile(r"\x00\w+\x00|[a-z']+|\d+|[^\sa-z\d]")
_SEGMENT = re.compile(r"[^\n]+?(?:[.!?](?=\s|$)|(?=\n)|$)")
_NEAR = 60
_MASKS = (("email", "E"), ("order_id", "O"), ("ticket_id", "T"), ("amount", "M"))


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence or line of a text, and where it stands."""

    text: str
    start: int
    end: int


def segments(text: str) -> list[Segment]:
    """Cut a text into sentences and lines."""
    found = [Segment(m[0], m.start(), m.end()) for m in _SEGMENT.finditer(text) if m[0].strip()]
    return found or [Segment(text, 0, len(text))]


@lru_cache(maxsize=32_768)
def mask(text: str) -> str:
    """Replace what differs from ticket to ticket by the name of its kind."""
    for kind, name in _MASKS:
        for candidate in reversed(find(kind, text)):
            text = f"{text[: candidate.start]} \x00{name}\x00 {text[candidate.end :]}"
    return text.lower()


def tokens(text: str) -> list[str]:
    """Return words, numbers and signs of a masked text."""
    return [t if "\x00" in t else ("#" if t.isdigit() else t) for t in _TOKEN.findall(text)]


@lru_cache(maxsize=32_768)
def text_features(text: str) -> tuple[str, ...]:
    """Return words, pairs of words and pieces of words of a text."""
    words = tokens(mask(text))
    made = [
        *(f"w:{w}" for w in words),
        *(f"b:{a} {b}" for a, b in pairwise(words)),
        *(f"s:{a} {b}" for a, b in zip(words, words[2:], strict=False)),
    ]
    pieces = (piece for w in words if w.isalpha() for piece in _pieces(w))
    # Interned, for the same few thousand names come again and again.
    return (*(intern(name) for name in made), *pieces)


@lru_cache(maxsize=32_768)
def _pieces(word: str) -> tuple[str, ...]:
    marked = f"<{word}>"
    return tuple(
        intern(f"c:{marked[at : at + size]}")
        for size in (3, 4, 5)
        for at in range(len(marked) - size + 1)
    )


def segment_features(found: list[Segment], at: int) -> list[str]:
    """Return features that tell whether segment `at` of a text is what is asked."""
    here = found[at]
    before = tokens(mask(found[at - 1].text)) if at else []
    gap = "start" if not at else ("line" if here.start - found[at - 1].end else "same")
    return [
        *text_features(here.text),
        *(f"p:{w}" for w in before[-4:]),
        f"at:{min(at, 5)}",
        f"left:{min(len(found) - 1 - at, 4)}",
        f"gap:{gap}",
        f"end:{here.text.strip()[-1:]}",
        f"long:{min(len(here.text) // 20, 5)}",
    ]


def pointer_features(  # noqa: PLR0913, PLR0917
    text: str, candidate: Candidate, at: int, count: int, intent: str, asked: float
) -> list[str]:
    """Return features that tell whether a candidate is the fact that is asked about.

    `asked` is the probability (0 to 1) that its sentence is part of the request.
    """
    left = tokens(mask(text[max(0, candidate.start - _NEAR) : candidate.start]))[-5:][::-1]
    right = tokens(mask(text[candidate.end : candidate.end + _NEAR]))[:5]
    level = "yes" if asked > 0.8 else ("maybe" if asked > 0.3 else "no")
    return [
        f"i:{intent}",
        f"at:{min(at, 3)}",
        f"n:{min(count, 4)}",
        f"last:{at == count - 1}",
        f"asked:{level}",
        f"asked:{level}|n:{min(count, 4)}",
        *(f"l:{w}" for w in left),
        *(f"l{k}:{w}" for k, w in enumerate(left[:3])),
        *(f"r:{w}" for w in right),
        *(f"r{k}:{w}" for k, w in enumerate(right[:3])),
    ]
