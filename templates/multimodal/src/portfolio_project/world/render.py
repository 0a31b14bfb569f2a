"""Draw a scene: distances to outlines become edges without steps, patterns become textures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .attributes import Attributes, Background, Colour, Shape, Texture, Thing

Plane = NDArray[np.float32]

SIDE = 64
"""Height and width of a picture in pixels."""

_RADIUS = {"small": 8.0, "large": 13.0}
_INK: dict[Colour, tuple[int, int, int]] = {
    "red": (225, 40, 40),
    "orange": (245, 140, 30),
    "yellow": (245, 225, 50),
    "green": (50, 175, 60),
    "cyan": (60, 215, 215),
    "blue": (60, 95, 240),
    "purple": (165, 60, 200),
    "white": (245, 245, 245),
}
_GROUND: dict[Background, tuple[int, int, int]] = {
    "black": (16, 16, 16),
    "grey": (112, 112, 112),
    "brown": (92, 60, 34),
    "navy": (22, 28, 82),
}
_SHADE = 0.4
_NOISE = 5.0
_ROWS, _COLUMNS = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)


def render(attributes: Attributes, draw: np.random.Generator) -> NDArray[np.uint8]:
    """A picture of the scene, shape (SIDE, SIDE, 3)."""
    canvas = np.empty((SIDE, SIDE, 3), np.float32)
    canvas[:] = _jitter(_GROUND[attributes.background], draw)
    places = _places(attributes, draw)
    for thing, (across, down), radius in zip(
        (attributes.first, attributes.second), *places, strict=True
    ):
        _paint(canvas, thing, (across, down), radius, draw)
    slope = draw.uniform(-0.12, 0.12, 2).astype(np.float32)
    light = 1 + (slope[0] * (_COLUMNS - SIDE / 2) + slope[1] * (_ROWS - SIDE / 2)) / SIDE
    canvas *= light[..., None]
    canvas += draw.standard_normal(canvas.shape, np.float32) * np.float32(_NOISE)
    picture: NDArray[np.uint8] = np.clip(canvas + 0.5, 0, 255).astype(np.uint8)
    return picture


def _jitter(ink: tuple[int, int, int], draw: np.random.Generator) -> Plane:
    found: Plane = (np.asarray(ink) * draw.uniform(0.9, 1.1) + draw.normal(0, 6, 3)).astype(
        np.float32
    )
    return found


def _places(
    attributes: Attributes, draw: np.random.Generator
) -> tuple[list[tuple[float, float]], list[float]]:
    """Centres (across, down) and radii of the two things, which never touch."""
    radii = [
        _RADIUS[thing.size] + draw.uniform(-0.8, 0.8)
        for thing in (attributes.first, attributes.second)
    ]
    gap = 2.0
    slack = SIDE - 2 * sum(radii) - gap
    before, between = np.sort(draw.uniform(0, slack, 2))
    along = [before + radii[0], between + gap + 2 * radii[0] + radii[1]]
    middle = draw.uniform(max(radii) + 1, SIDE - max(radii) - 1)
    aside = np.clip(middle + draw.uniform(-8, 8, 2), np.array(radii), SIDE - np.array(radii))
    if attributes.relation == "left of":
        return [(along[0], float(aside[0])), (along[1], float(aside[1]))], radii
    return [(float(aside[0]), along[0]), (float(aside[1]), along[1])], radii


def _paint(
    canvas: Plane,
    thing: Thing,
    centre: tuple[float, float],
    radius: float,
    draw: np.random.Generator,
) -> None:
    """Paint one thing on `canvas`, in the window that it can reach."""
    columns, rows = (
        slice(max(0, int(middle - radius) - 2), min(SIDE, int(middle + radius) + 4))
        for middle in centre
    )
    canvas = canvas[rows, columns]
    across = _COLUMNS[rows, columns] - np.float32(centre[0])
    down = _ROWS[rows, columns] - np.float32(centre[1])
    turn = draw.uniform(-0.2, 0.2)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    across, down = cos * across + sin * down, cos * down - sin * across
    outline = _OUTLINES[thing.shape](across, down, radius)
    cover = np.clip(np.float32(0.5) - outline, 0, 1)
    ink = _jitter(_INK[thing.colour], draw)
    phase = draw.uniform(0, 2 * np.pi, 2).astype(np.float32)
    dark = _PATTERNS[thing.texture](across, down, phase)
    shade = 1 - np.float32(1 - _SHADE) * dark
    canvas += cover[..., None] * (ink * shade[..., None] - canvas)


# --- outlines: signed distance in pixels, negative inside; x to the right, y down ----------


def _circle(x: Plane, y: Plane, r: float) -> Plane:
    found: Plane = np.hypot(x, y) - np.float32(r * 0.95)
    return found


def _square(x: Plane, y: Plane, r: float) -> Plane:
    found: Plane = np.maximum(abs(x), abs(y)) - np.float32(r * 0.82)
    return found


def _triangle(x: Plane, y: Plane, r: float) -> Plane:
    slant = np.float32(0.866) * abs(x) - np.float32(0.5) * y
    found: Plane = np.maximum(slant, y) - np.float32(r * 0.55)
    return found


def _diamond(x: Plane, y: Plane, r: float) -> Plane:
    found: Plane = (abs(x) * 1.25 + abs(y) - np.float32(r)) * np.float32(0.62)
    return found


def _cross(x: Plane, y: Plane, r: float) -> Plane:
    long, short = np.float32(r * 0.95), np.float32(r * 0.32)
    across = np.maximum(abs(x) - long, abs(y) - short)
    found: Plane = np.minimum(across, np.maximum(abs(x) - short, abs(y) - long))
    return found


def _star(x: Plane, y: Plane, r: float) -> Plane:
    fifth = np.float32(2 * np.pi / 5)
    angle = np.arctan2(x, -y)
    to_tip = abs((angle + fifth / 2) % fifth - fifth / 2) / (fifth / 2)
    found: Plane = (np.hypot(x, y) - np.float32(r) * (1 - np.float32(0.58) * to_tip)) * np.float32(
        0.75
    )
    return found


def _ring(x: Plane, y: Plane, r: float) -> Plane:
    found: Plane = abs(np.hypot(x, y) - np.float32(r * 0.7)) - np.float32(r * 0.25)
    return found


def _crescent(x: Plane, y: Plane, r: float) -> Plane:
    bite = np.float32(r * 0.8) - np.hypot(x - np.float32(r * 0.5), y)
    found: Plane = np.maximum(np.hypot(x, y) - np.float32(r * 0.95), bite)
    return found


_OUTLINES: dict[Shape, Callable[[Plane, Plane, float], Plane]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "diamond": _diamond,
    "cross": _cross,
    "star": _star,
    "ring": _ring,
    "crescent": _crescent,
}


# --- textures: 0 where the ink is full, 1 where it is dark ------------------------------------


def _solid(x: Plane, _y: Plane, _phase: Plane) -> Plane:
    return np.zeros_like(x)


def _striped(_x: Plane, y: Plane, phase: Plane) -> Plane:
    return _edge(np.sin(y * np.float32(2 * np.pi / 5.5) + phase[0]))


def _dotted(x: Plane, y: Plane, phase: Plane) -> Plane:
    step = np.float32(2 * np.pi / 5.5)
    return _edge(np.cos(x * step + phase[0]) + np.cos(y * step + phase[1]) - np.float32(0.7))


def _checkered(x: Plane, y: Plane, phase: Plane) -> Plane:
    step = np.float32(2 * np.pi / 9)
    return _edge(3 * np.sin(x * step + phase[0]) * np.sin(y * step + phase[1]))


def _edge(wave: Plane) -> Plane:
    found: Plane = np.clip(wave * np.float32(1.5) + np.float32(0.5), 0, 1)
    return found


_PATTERNS: dict[Texture, Callable[[Plane, Plane, Plane], Plane]] = {
    "solid": _solid,
    "striped": _striped,
    "dotted": _dotted,
    "checkered": _checkered,
}
