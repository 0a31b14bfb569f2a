"""Find pictures that are nearly the same: saved again, scaled, a little brighter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_GRID = 8
_ALIKE = 24
"""No cell of the two pictures' 8 x 8 cells may differ by more levels (of 256) than this."""
_BITS = 10
"""Nor may more bits of their difference hashes."""
_STEP = 3.0
_AT_ONCE = 256
_PAIRS_AT_ONCE = 4_096


def cells(images: Pixels) -> NDArray[np.float32]:
    """Mean colours of 8 x 8 cells of pictures (n, side, side, 3), shape (n, 8, 8, 3)."""
    found = np.empty((len(images), _GRID, _GRID, 3), np.float32)
    size = images.shape[1] // _GRID
    for start in range(0, len(images), _AT_ONCE):
        some = images[start : start + _AT_ONCE, : size * _GRID, : size * _GRID]
        # Whole rows first: whole numbers that lie side by side are summed fastest.
        rows = some.reshape(len(some), _GRID, size, -1).sum(axis=2, dtype=np.uint32)
        summed = rows.reshape(len(some), _GRID, _GRID, size, 3).sum(axis=3)
        found[start : start + _AT_ONCE] = summed / size**2
    return found


def difference_hashes(means: NDArray[np.float32]) -> NDArray[np.uint64]:
    """One 64-bit number a picture: whether each cell is darker than its right neighbour.

    The difference hash of Krawetz (2013) on an 8 x 8 grid that closes on itself; a step of fewer
    than three levels counts as none, so that plain ground does not give bits at random.
    """
    grey = means.mean(axis=3)
    darker = np.roll(grey, -1, axis=2) - grey > _STEP
    return np.packbits(darker.reshape(len(grey), -1), axis=1).view(">u8")[:, 0].astype(np.uint64)


def near_matches(these: Pixels, those: Pixels) -> NDArray[np.int64]:
    """For each of `these` pictures, the row of the nearest one of `those` like it; -1 for none."""
    return near_cells(cells(these), cells(those))


def near_cells(mine: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.int64]:
    """The same from the pictures' `cells`.

    Time grows with the product of the two counts, at some 10**7 pairs a second.
    """
    found = np.full(len(mine), -1, np.int64)
    if not len(mine) or not len(theirs):
        return found
    my_hashes, their_hashes = difference_hashes(mine), difference_hashes(theirs)
    my_light, their_light = (means.mean(axis=(1, 2, 3)) for means in (mine, theirs))
    my_quarters, their_quarters = _quarters(mine), _quarters(theirs)
    for start in range(0, len(mine), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        alike = np.bitwise_count(my_hashes[some, None] ^ their_hashes) <= _BITS
        alike &= np.abs(my_light[some, None] - their_light) <= _ALIKE
        rows, candidates = np.nonzero(alike)
        rows += start
        # What the quarters tell apart need not be compared cell by cell.
        alike = _apart(my_quarters, rows, their_quarters, candidates) <= _ALIKE
        rows, candidates = rows[alike], candidates[alike]
        apart = _apart(mine, rows, theirs, candidates)
        for at in np.argsort(apart, kind="stable")[::-1]:  # the nearest is written last
            if apart[at] <= _ALIKE:
                found[rows[at]] = candidates[at]
    return found


def _quarters(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean colours of quarters from those of cells: they differ by no more than the cells do."""
    half = _GRID // 2
    found: NDArray[np.float32] = means.reshape(-1, 2, half, 2, half, 3).mean(axis=(2, 4))
    return found


def _apart(
    mine: NDArray[np.float32],
    rows: NDArray[np.int64],
    theirs: NDArray[np.float32],
    candidates: NDArray[np.int64],
) -> NDArray[np.float32]:
    """The largest difference of any cell, pair by pair."""
    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _PAIRS_AT_ONCE):
        some = slice(start, start + _PAIRS_AT_ONCE)
        apart = np.abs(mine[rows[some]] - theirs[candidates[some]])
        found[some] = apart.reshape(len(apart), -1).max(axis=1)
    return found
