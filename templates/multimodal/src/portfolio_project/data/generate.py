"""Write splits of the world: several processes, the same bytes as one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from ..world import KINDS, LENGTH, ROW_SIZES, SIDE, Split, hard_negatives, sample
from .dataset import SplitData, to_samples

_CHUNK = 500
_Job = tuple[int, Split, int, int]


def generate(
    seed: int, split: Split, count: int, progress: Callable[[int], None] = lambda _: None
) -> SplitData:
    """The first `count` samples of a split; `progress` is told how many have been made."""
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    sounds = np.empty((count, LENGTH), np.int16)
    attributes = np.empty((count, len(ROW_SIZES)), np.int64)
    captions: list[str] = []
    negatives: list[list[str]] = []
    starts = range(0, count, _CHUNK)
    jobs: list[_Job] = [(seed, split, start, min(_CHUNK, count - start)) for start in starts]
    for start, part in zip(starts, _map(jobs), strict=True):
        rows = slice(start, start + len(part))
        assert part.sounds is not None
        assert part.attributes is not None
        images[rows], sounds[rows], attributes[rows] = part.images, part.sounds, part.attributes
        captions += part.captions
        negatives += [list(row) for row in part.negatives]
        progress(start + len(part))
    return SplitData(images, captions, negatives, KINDS, sounds, attributes)


def _map(jobs: list[_Job]) -> Iterator[SplitData]:
    workers = min(len(jobs), os.cpu_count() or 1)
    if workers < 2:
        yield from map(_part, jobs)
        return
    # Fresh processes: a fork would inherit the threads of whoever calls, in an unknown state.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_part, jobs)


def _part(job: _Job) -> SplitData:
    seed, split, start, count = job
    made = [sample(seed, split, index) for index in range(start, start + count)]
    wrong = [hard_negatives(seed, split, index) for index in range(start, start + count)]
    return SplitData(
        np.stack([one.image for one in made]),
        [one.caption for one in made],
        [list(told.values()) for told in wrong],
        KINDS,
        np.stack([to_samples(one.sound, LENGTH) for one in made]),
        np.array([one.attributes.row() for one in made], np.int64),
    )
