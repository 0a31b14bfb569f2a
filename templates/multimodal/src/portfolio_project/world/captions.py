"""Say what is in a scene, in one of many ways: synonyms, two points of view, four sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .attributes import Attributes, Thing

SYNONYMS: dict[str, tuple[str, ...]] = {
    "red": ("red", "crimson"),
    "orange": ("orange", "amber"),
    "yellow": ("yellow", "golden"),
    "green": ("green", "emerald"),
    "cyan": ("cyan", "turquoise"),
    "blue": ("blue", "azure"),
    "purple": ("purple", "violet"),
    "white": ("white", "ivory"),
    "circle": ("circle", "disc"),
    "square": ("square", "box"),
    "triangle": ("triangle", "wedge"),
    "diamond": ("diamond", "rhombus"),
    "cross": ("cross", "plus"),
    "star": ("star", "asterisk"),
    "ring": ("ring", "hoop"),
    "crescent": ("crescent", "moon"),
    "solid": ("solid", "plain"),
    "striped": ("striped", "banded"),
    "dotted": ("dotted", "spotted"),
    "checkered": ("checkered", "chequered"),
    "small": ("small", "little", "tiny"),
    "large": ("large", "big", "huge"),
    "black": ("black", "dark"),
    "grey": ("grey", "gray"),
    "brown": ("brown", "coffee"),
    "navy": ("navy", "midnight"),
    "left of": ("left of", "to the left of"),
    "right of": ("right of", "to the right of"),
    "above": ("above", "over", "on top of"),
    "below": ("below", "under", "beneath"),
}
_OPPOSITE = {"left of": "right of", "above": "below"}
_SENTENCES = (
    "{a} {relation} {b} on a {ground} background",
    "{a} {relation} {b} against a {ground} backdrop",
    "on {ground}, {a} is {relation} {b}",
    "a {ground} scene with {a} {relation} {b}",
)


def describe(attributes: Attributes, draw: np.random.Generator, *, flip: bool) -> str:
    """One caption; `flip` tells it from the second thing's point of view.

    The same stream gives other attributes the same sentence and choice of synonyms, so a caption
    and its hard negative differ in nothing but what was changed.
    """
    sentence = _SENTENCES[int(draw.integers(len(_SENTENCES)))]
    choice = iter(draw.random(12))
    first, second = _phrase(attributes.first, choice), _phrase(attributes.second, choice)
    ground = _word(attributes.background, next(choice))
    relation: str = attributes.relation
    if flip:
        first, second, relation = second, first, _OPPOSITE[relation]
    said = _word(relation, next(choice))
    return sentence.format(a=f"a {first}", b=f"a {second}", relation=said, ground=ground)


def _phrase(thing: Thing, choice: Iterator[float]) -> str:
    words = (thing.size, thing.texture, thing.colour, thing.shape)
    return " ".join(_word(word, next(choice)) for word in words)


def _word(meaning: str, choice: float) -> str:
    words = SYNONYMS[meaning]
    return words[int(choice * len(words))]
