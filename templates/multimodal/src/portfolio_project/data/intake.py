"""What passed the door, gathered on disk, then split, checked for leaks, sorted and written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray

from ..columns import Columns
from ..provenance import DeadLetters
from .dataset import (
    ATTRIBUTES,
    IMAGES,
    SOUNDS,
    DatasetError,
    write_columns,
    write_facets,
    write_rows,
    write_texts,
)
from .door import OwnSplit, Taken
from .near import cells, near_cells
from .records import Record

SPLITS: tuple[OwnSplit, ...] = get_args(OwnSplit)
SHARES: dict[OwnSplit, float] = {"test": 0.15, "validation": 0.1}
"""Parts of the pictures that are not trained on, where the source names no splits."""
_FIRST_BYTES = 8
_MOST_VALUES = 64


@dataclass(frozen=True, slots=True)
class _Kept:
    """A sample whose picture and sound lie in row `row` of the scratch files."""

    row: int
    record: Record
    caption: str
    picture: bytes
    key: bytes
    split: OwnSplit
    attributes: tuple[str, ...]


class Intake:
    """Takes samples one by one and writes them at the end; its scratch files go when it is left."""

    def __init__(self, folder: Path, letters: DeadLetters, columns: Sequence[str] = ()) -> None:
        """Write into `folder`; tell `letters` of what is refused.

        `columns` are the names of the attributes that each sample brings.
        """
        self._names = tuple(columns)
        self._folder = folder
        self._letters = letters
        self._scratch = {name: folder / f"{name}.scratch" for name in (IMAGES, SOUNDS)}
        self._shapes: dict[str, tuple[tuple[int, ...], Any]] = {}
        self._kept: list[_Kept] = []
        self._seen: dict[bytes, str] = {}
        self._counts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Open the scratch files."""
        self._open = {name: path.open("wb") for name, path in self._scratch.items()}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the scratch files."""
        for file in self._open.values():
            file.close()
        for path in self._scratch.values():
            path.unlink()

    def refuse(self, record: Record, reason: str) -> None:
        """Keep the record in the dead letters."""
        self._letters.add(dict(record.told), reason, source=record.source, line=record.line)
        self._counts["refused"] += 1

    def take(self, record: Record, taken: Taken) -> None:
        """Keep the sample, unless it was there before."""
        if taken.key in self._seen:
            self.refuse(record, f"a duplicate of {self._seen[taken.key]}")
            return
        self._seen[taken.key] = record.place
        for name, array in ((IMAGES, taken.image), (SOUNDS, taken.sound)):
            if array is not None:
                self._shapes[name] = (array.shape, array.dtype)
                self._open[name].write(array.tobytes())
        # The bytes are in the scratch file now; a record that held them would fill the memory.
        told = replace(record, image=None, sound=None)
        row = len(self._kept)
        kept = _Kept(
            row, told, taken.caption, taken.picture, taken.key, taken.split, taken.attributes
        )
        self._kept.append(kept)

    def write(self) -> dict[str, float]:
        """Write the splits; returns counts.

        Raises DatasetError if one would be empty, or an attribute has too many values.
        """
        for file in self._open.values():
            file.flush()
        placed = self._without_near(self._one_caption(self._placed()))
        columns = self._columns(placed)
        placed = self._learnable(placed, columns)
        for split in SPLITS:
            rows = sorted((one for one in placed if one.split == split), key=lambda one: one.key)
            if not rows:
                raise DatasetError(self._too_few(split))
            self._write_split(split, rows, columns)
        counts = ("refused", "leaking", "further_captions")
        return {name: float(self._counts[name]) for name in counts}

    def _placed(self) -> list[_Kept]:
        """Each sample with its split; one whose picture is in another split too is refused here."""
        named = {one.split for one in self._kept} - {"train"}
        wanted: list[OwnSplit] = [
            one.split if one.split in named else _by_content(one, named) for one in self._kept
        ]
        splits: dict[bytes, OwnSplit] = {}
        for one, split in zip(self._kept, wanted, strict=True):
            before = splits.get(one.picture, "train")
            later = SPLITS.index(split) > SPLITS.index(before)
            splits[one.picture] = split if later else before
        found = list[_Kept]()
        for one, split in zip(self._kept, wanted, strict=True):
            if split == splits[one.picture]:
                found.append(replace(one, split=split))
            else:
                self._leaks(one, f"the same picture is in the split {splits[one.picture]}")
        return found

    def _one_caption(self, placed: list[_Kept]) -> list[_Kept]:
        """In validation and test a picture stands once, so that a search has one right answer."""
        best: dict[bytes, bytes] = {}
        for one in placed:
            best[one.picture] = min(one.key, best.get(one.picture, one.key))
        found = [one for one in placed if one.split == "train" or best[one.picture] == one.key]
        self._counts["further_captions"] += len(placed) - len(found)
        return found

    def _without_near(self, placed: list[_Kept]) -> list[_Kept]:
        """Without those in validation and test that training sees nearly the same."""
        if not placed:
            return placed
        means = cells(self._scratch_rows(IMAGES))  # of all: small enough for memory
        train = [one for one in placed if one.split == "train"]
        other = [one for one in placed if one.split != "train"]
        twins = near_cells(means[_rows(other)], means[_rows(train)])
        for one, twin in zip(other, twins, strict=True):
            if twin >= 0:
                place = train[int(twin)].record.place
                self._leaks(one, f"nearly the same picture as {place}, in the split train")
        return train + [one for one, twin in zip(other, twins, strict=True) if twin < 0]

    def _columns(self, placed: list[_Kept]) -> Columns:
        """The values that training sees of each attribute. Raises DatasetError for too many."""
        train = [one.attributes for one in placed if one.split == "train"]
        found = {name: sorted({said[at] for said in train}) for at, name in enumerate(self._names)}
        for name, values in found.items():
            if len(values) > _MOST_VALUES:
                raise DatasetError(
                    f"the attribute {name} has {len(values):,} values, and a column of categories "
                    f"at most {_MOST_VALUES}: leave it out, or give ranges instead of numbers"
                )
        return Columns.of(found)

    def _learnable(self, placed: list[_Kept], columns: Columns) -> list[_Kept]:
        """Without those in validation and test of which an attribute was never trained on."""
        found = list[_Kept]()
        for one in placed:
            fault = columns.fault(dict(zip(self._names, one.attributes, strict=True)))
            if not fault:
                found.append(one)
            else:
                self.refuse(one.record, f"attributes: in the split train there is {fault}")
        return found

    def _leaks(self, one: _Kept, reason: str) -> None:
        self._counts["leaking"] += 1
        self.refuse(one.record, reason)

    def _write_split(self, split: str, rows: Sequence[_Kept], columns: Columns) -> None:
        folder = self._folder / split
        folder.mkdir()
        for name in self._shapes:
            write_rows(folder / name, self._scratch_rows(name), _rows(rows))
        if self._names:
            told = (dict(zip(self._names, one.attributes, strict=True)) for one in rows)
            np.save(folder / ATTRIBUTES, np.array([columns.row(one) for one in told], np.int64))
            write_columns(folder, columns)
        write_texts(folder, [one.caption for one in rows], [[] for _ in rows], ())
        write_facets(folder, [one.record.facets for one in rows])

    def _scratch_rows(self, name: str) -> NDArray[Any]:
        shape, dtype = self._shapes[name]
        return np.memmap(self._scratch[name], dtype, "r", shape=(len(self._kept), *shape))

    def _too_few(self, split: str) -> str:
        taken = f"{len(self._kept):,} samples were taken and {self._counts['refused']:,} refused"
        return f"{taken}, which leaves the split {split} empty: give more pictures"


def _rows(kept: Sequence[_Kept]) -> list[int]:
    return [one.row for one in kept]


def _by_content(one: _Kept, named: Container[OwnSplit]) -> OwnSplit:
    """The split that the picture falls into; one that the source names gets nothing from others."""
    drawn = int.from_bytes(one.picture[:_FIRST_BYTES], "big") / 256**_FIRST_BYTES
    share = 0.0
    for split, part in SHARES.items():
        share += part
        if drawn < share:
            return "train" if split in named else split
    return "train"
