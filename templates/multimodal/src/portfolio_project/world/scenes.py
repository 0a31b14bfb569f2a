"""Which scene stands at an index of a split: every scene once, and in one split alone.

All scenes are numbered. A keyed permutation shuffles the numbers, and each split takes a stretch of
its own, so that no two indices show the same scene and no scene is in two splits, by construction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from .attributes import (
    BACKGROUNDS,
    COLOURS,
    HELD_OUT,
    RELATIONS,
    SHAPES,
    SIZES,
    TEXTURES,
    Attributes,
    Thing,
)
from .streams import stream

Split = Literal["train", "validation", "test", "held_out", "hard"]
SPLITS: tuple[Split, ...] = get_args(Split)

_MASK = 2**64 - 1
_ROUNDS = 6


def _things(pairs: list[tuple[str, str]]) -> list[Thing]:
    return [
        Thing(colour, shape, texture, size)  # type: ignore[arg-type]  # both come from the lists
        for colour, shape in pairs
        for texture in TEXTURES
        for size in SIZES
    ]


SEEN = _things([(c, s) for c in COLOURS for s in SHAPES if (c, s) not in HELD_OUT])
UNSEEN = _things(list(HELD_OUT))
_GROUNDS = len(RELATIONS) * len(BACKGROUNDS)
_USUAL = len(SEEN) * (len(SEEN) - 1) * _GROUNDS
_NOVEL = len(UNSEEN) * len(SEEN) * _GROUNDS * 2
_HARD_GROUP = 4

# Where each split's stretch begins and ends in the permutation of the usual scenes.
_STRETCH: dict[Split, tuple[int, int]] = {
    "train": (0, _USUAL // 4),
    "validation": (_USUAL // 4, _USUAL // 2),
    "test": (_USUAL // 2, _USUAL * 3 // 4),
    "hard": (_USUAL * 3 // 4, _USUAL),
    "held_out": (0, _NOVEL),
}


def capacity(split: Split) -> int:
    """How many samples the split can have."""
    start, end = _STRETCH[split]
    return (end - start) * (_HARD_GROUP if split == "hard" else 1)


def scene(seed: int, split: Split, index: int) -> Attributes:
    """The scene at `index` of `split`. Raises IndexError beyond the split's capacity."""
    if not 0 <= index < capacity(split):
        raise IndexError(f"{split} has {capacity(split):,} scenes; there is no number {index}")
    if split == "held_out":
        return _novel(_shuffle(index, seed + 1, len(UNSEEN) * 2, _NOVEL // len(UNSEEN) // 2))
    if split == "hard":
        return _hard(seed, index)
    return _usual(_position_to_number(seed, _STRETCH[split][0] + index))


def _position_to_number(seed: int, position: int) -> int:
    return _shuffle(position, seed, len(SEEN) * 4, _USUAL // (len(SEEN) * 4))


def _usual(number: int) -> Attributes:
    """Two different things of seen pairs: `number` written in mixed radix."""
    number, ground = divmod(number, _GROUNDS)
    first, step = divmod(number, len(SEEN) - 1)
    second = (first + 1 + step) % len(SEEN)
    return _on_ground(SEEN[first], SEEN[second], ground)


def _novel(number: int) -> Attributes:
    """One thing of a held-out pair and one of a seen pair, in either order."""
    number, ground = divmod(number, _GROUNDS)
    number, flipped = divmod(number, 2)
    unseen, seen = divmod(number, len(SEEN))
    found = _on_ground(UNSEEN[unseen], SEEN[seen], ground)
    return found.exchanged() if flipped else found


def _on_ground(first: Thing, second: Thing, ground: int) -> Attributes:
    relation, background = divmod(ground, len(BACKGROUNDS))
    return Attributes(first, second, RELATIONS[relation], BACKGROUNDS[background])


def _hard(seed: int, index: int) -> Attributes:
    """Groups of four: a scene, its things exchanged, one other attribute, one other still.

    The group's scenes differ from its first in one attribute each. A variant that a model may be
    trained on is drawn again: of the 31 there are, some 23 are fit.
    """
    group, member = divmod(index, _HARD_GROUP)
    start, _ = _STRETCH["hard"]
    drawn = stream(seed, SPLITS.index("hard"), group, "variant")
    base = _usual(_position_to_number(seed, start + group))
    found = [base]
    while len(found) < _HARD_GROUP:
        kind = ("relation", "colour", "shape", "texture")[int(drawn.integers(4))]
        other = _changed(base, kind, int(drawn.integers(2)), int(drawn.integers(1, 8)))
        if other not in found and _position(seed, other) >= _STRETCH["train"][1]:
            found.append(other)
    return found[member]


def _changed(base: Attributes, kind: str, which: int, step: int) -> Attributes:
    if kind == "relation":
        return base.exchanged()
    thing = base.second if which else base.first
    values: tuple[str, ...] = {"colour": COLOURS, "shape": SHAPES, "texture": TEXTURES}[kind]
    value = values[(values.index(getattr(thing, kind)) + step) % len(values)]
    changes: dict[str, object] = {kind: value}
    thing = replace(thing, **changes)  # type: ignore[arg-type]  # a value of that very attribute
    return replace(base, second=thing) if which else replace(base, first=thing)


def _position(seed: int, attributes: Attributes) -> int:
    """Where the permutation puts a usual scene; -1 if it is none."""
    if attributes.first == attributes.second or not {attributes.first, attributes.second} <= _SEEN:
        return -1
    first, second = SEEN.index(attributes.first), SEEN.index(attributes.second)
    ground = RELATIONS.index(attributes.relation) * len(BACKGROUNDS)
    ground += BACKGROUNDS.index(attributes.background)
    step = (second - first - 1) % len(SEEN)
    number = (first * (len(SEEN) - 1) + step) * _GROUNDS + ground
    return _unshuffle(number, seed, len(SEEN) * 4, _USUAL // (len(SEEN) * 4))


_SEEN = frozenset(SEEN)


def _shuffle(number: int, key: int, rows: int, columns: int) -> int:
    """A permutation of 0 ... rows * columns - 1: an alternating Feistel network.

    Black and Rogaway, Ciphers with arbitrary finite domains (2002).
    """
    left, right = divmod(number, columns)
    for turn in range(0, _ROUNDS, 2):
        left = (left + _mix(key, turn, right)) % rows
        right = (right + _mix(key, turn + 1, left)) % columns
    return left * columns + right


def _unshuffle(number: int, key: int, rows: int, columns: int) -> int:
    left, right = divmod(number, columns)
    for turn in range(_ROUNDS - 2, -1, -2):
        right = (right - _mix(key, turn + 1, left)) % columns
        left = (left - _mix(key, turn, right)) % rows
    return left * columns + right


def _mix(key: int, turn: int, value: int) -> int:
    """A hash to 64 bits: the finaliser of splitmix64 (Steele, Lea and Flood, 2014)."""
    mixed = (key * 0x9E3779B97F4A7C15 + turn * 0xD1B54A32D192ED03 + value + 1) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)
