"""A data set on disk: a folder for each split, with arrays that are mapped into memory.

SPLIT/images.npy      bytes (n, side, side, 3)
SPLIT/captions.json   {"captions": n texts, "negatives": n lists of texts, "kinds": names}
SPLIT/sounds.npy      16-bit samples (n, length), if there are sounds
SPLIT/attributes.npy  category numbers (n, columns), if there are attributes
SPLIT/columns.json    names and categories of these columns, if they are not the world's
SPLIT/facets.json     n mappings from names to values, if the source said more of its samples
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..columns import Columns
from ..errors import UserError
from ..facets import WORLD
from ..preprocess import SpectrogramParameters, spectrogram
from ..provenance import canonical_json, readable_json

IMAGES = "images.npy"
CAPTIONS = "captions.json"
SOUNDS = "sounds.npy"
ATTRIBUTES = "attributes.npy"
COLUMNS = "columns.json"
FACETS = "facets.json"
FILES = (IMAGES, CAPTIONS, SOUNDS, ATTRIBUTES, COLUMNS, FACETS)
_FULL = 32_767
_AT_ONCE = 512


class DatasetError(UserError):
    """The data cannot be read or do not do; the text says why in one line."""


@dataclass(frozen=True, eq=False)
class SplitData:
    """The samples of one split, row by row.

    Attributes:
        images: bytes (n, side, side, 3).
        captions: n texts.
        negatives: for each sample, captions that are almost right, in the order of `kinds`; empty
            lists where there are none.
        kinds: what is swapped in each negative.
        sounds: 16-bit samples (n, length), None if the data are silent.
        attributes: category numbers (n, columns), None if there are none.
        facets: for each sample, what else is known of it, to filter by; empty if nothing is.
        columns: what the numbers in `attributes` mean.
    """

    images: NDArray[np.uint8]
    captions: Sequence[str]
    negatives: Sequence[Sequence[str]] = field(default=())
    kinds: Sequence[str] = field(default=())
    sounds: NDArray[np.int16] | None = None
    attributes: NDArray[np.int64] | None = None
    facets: Sequence[Mapping[str, str]] = field(default=())
    columns: Columns = WORLD

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.captions)

    def waves(self, rows: slice) -> list[NDArray[np.float32]]:
        """The sounds of some rows, within -1 and 1. Raises DatasetError for silent data."""
        if self.sounds is None:
            raise DatasetError("these data have no sounds; choose a configuration without them")
        return list(np.asarray(self.sounds[rows], np.float32) / _FULL)

    def spectrograms(self, parameters: SpectrogramParameters) -> NDArray[np.float32]:
        """All sounds as the sound tower takes them, shape (n, bands, frames)."""
        found = np.empty((len(self), parameters.bands, parameters.frames), np.float32)
        for start in range(0, len(self), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            found[rows] = spectrogram(self.waves(rows), parameters)
        return found

    def digest(self) -> str:
        """The SHA-256 of everything that the split holds."""
        told = [self.captions, self.negatives, self.kinds, self.columns.model_dump(mode="json")]
        found = hashlib.sha256(canonical_json(told))
        for array in (self.images, self.sounds, self.attributes):
            found.update(f"{None if array is None else array.shape}".encode())
            if array is not None:
                for start in range(0, len(array), _AT_ONCE):
                    found.update(np.ascontiguousarray(array[start : start + _AT_ONCE]).data)
        return found.hexdigest()

    def modalities(self) -> tuple[str, ...]:
        """What the data have."""
        more = (("sound", self.sounds), ("attributes", self.attributes))
        return ("image", "text", *(name for name, held in more if held is not None))


def to_samples(wave: NDArray[np.float32], length: int) -> NDArray[np.int16]:
    """A sound as it is kept: cut or followed by silence to `length`, in 16 bits."""
    held = np.zeros(length, np.int16)
    cut = np.clip(wave[:length], -1, 1)
    held[: len(cut)] = np.round(cut * _FULL).astype(np.int16)
    return held


def write_split(folder: Path, data: SplitData) -> None:
    """Write a split; equal data give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / IMAGES, data.images)
    for name, array in ((SOUNDS, data.sounds), (ATTRIBUTES, data.attributes)):
        (folder / name).unlink(missing_ok=True)
        if array is not None:
            np.save(folder / name, array)
    write_columns(folder, data.columns)
    write_texts(folder, data.captions, data.negatives, data.kinds)
    write_facets(folder, data.facets)


def write_texts(
    folder: Path,
    captions: Sequence[str],
    negatives: Sequence[Sequence[str]],
    kinds: Sequence[str],
) -> None:
    """Write what is text in a split; see `SplitData`."""
    content = {
        "captions": list(captions),
        "negatives": [list(row) for row in negatives],
        "kinds": list(kinds),
    }
    (folder / CAPTIONS).write_bytes(readable_json(content))


def write_columns(folder: Path, columns: Columns) -> None:
    """Write what the numbers of attributes mean; nothing if they are the world's."""
    (folder / COLUMNS).unlink(missing_ok=True)
    if columns != WORLD:
        (folder / COLUMNS).write_bytes(readable_json(columns.model_dump(mode="json")))


def write_facets(folder: Path, facets: Sequence[Mapping[str, str]]) -> None:
    """Write what else is known of the samples of a split; nothing if that is nothing."""
    (folder / FACETS).unlink(missing_ok=True)
    if any(facets):
        (folder / FACETS).write_bytes(readable_json([dict(one) for one in facets]))


def write_rows(path: Path, source: NDArray[Any], rows: Sequence[int]) -> None:
    """Write some rows of an array, in that order, without ever holding all of them in memory."""
    shape = (len(rows), *source.shape[1:])
    file = np.lib.format.open_memmap(path, "w+", source.dtype, shape)
    for start in range(0, len(rows), _AT_ONCE):
        file[start : start + _AT_ONCE] = source[rows[start : start + _AT_ONCE]]
    file.flush()


def read_split(folder: Path) -> SplitData:
    """Read a split; its pictures and sounds stay on disk. Raises DatasetError."""
    try:
        content = json.loads((folder / CAPTIONS).read_bytes())
        arrays = {
            name: np.load(folder / name, mmap_mode="r")
            for name in (IMAGES, SOUNDS, ATTRIBUTES)
            if (folder / name).exists()
        }
        found = SplitData(
            arrays[IMAGES],
            content["captions"],
            content["negatives"],
            content["kinds"],
            arrays.get(SOUNDS),
            arrays.get(ATTRIBUTES),
            _read_facets(folder / FACETS),
            _read_columns(folder / COLUMNS),
        )
    except FileNotFoundError:
        raise DatasetError(f"there are no data in {folder}. Run the command `ingest`") from None
    except (OSError, KeyError, ValueError) as error:
        raise DatasetError(f"{folder} is damaged ({error}). Ingest again") from None
    lengths = {len(array) for array in (*arrays.values(), found.facets or found.captions)}
    if lengths != {len(found)}:
        raise DatasetError(f"{folder} is damaged: its files differ in length. Ingest again")
    if found.attributes is not None and found.attributes.shape[1] != len(found.columns.sizes):
        raise DatasetError(f"{folder} is damaged: its attributes lack a column. Ingest again")
    return found


def _read_columns(path: Path) -> Columns:
    return Columns.model_validate_json(path.read_bytes()) if path.exists() else WORLD


def _read_facets(path: Path) -> Sequence[Mapping[str, str]]:
    found: list[Mapping[str, str]] = json.loads(path.read_bytes()) if path.exists() else []
    return found


def split_files(dataset: Path) -> dict[str, Path]:
    """Every file of a data set: relative name -> path."""
    return {
        f"{path.parent.name}/{path.name}": path
        for path in sorted(dataset.glob("*/*"))
        if path.name in FILES
    }
