"""A data set of Hugging Face: by its name, or one that `datasets` wrote into a folder here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .dataset import DatasetError
from .records import NAMES, Media, Record, Source, facets_in

PREFIX = "huggingface:"
Say = Callable[[Any], object]
_SPLITS = {"test": "test", "val": "validation", "dev": "validation"}
"""How the names of splits begin; every other one is trained on."""
_SAVED = ("dataset_dict.json", "state.json")
_CAPTIONS = (*NAMES["caption"], "captions", "sentence", "description")


def read_hub(name: str) -> Source:
    """The rows of a data set; `NAME#CONFIGURATION` chooses one of its configurations.

    Raises DatasetError if it cannot be had, or has no column of pictures or of captions.
    """
    if not name.strip():
        raise DatasetError(f"name the data set: {PREFIX}NAME")
    try:
        import datasets  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise DatasetError(
            "a data set of Hugging Face needs the extra `huggingface`; install it first"
        ) from None
    try:
        loaded = _load(datasets, name)
    except Exception as error:  # noqa: BLE001 - loaders raise what they like; the user reads a line
        told = " ".join(str(error).split())
        raise DatasetError(f"{PREFIX}{name} cannot be loaded: {told}") from None
    tables: dict[str, Any] = dict(loaded) if isinstance(loaded, Mapping) else {"train": loaded}
    columns = {split: _columns(datasets, name, table) for split, table in tables.items()}
    prints = " ".join(str(getattr(table, "_fingerprint", "")) for table in tables.values())
    return Source(
        _records(datasets, name, tables, columns),
        sum(len(table) for table in tables.values()),
        identity=f"{name} {prints}",
    )


def _load(datasets: Any, name: str) -> Any:
    folder = Path(name)
    if any((folder / saved).is_file() for saved in _SAVED):
        return datasets.load_from_disk(name)
    repository, _, configuration = name.partition("#")
    return datasets.load_dataset(repository, configuration or None)


def _columns(datasets: Any, name: str, table: Any) -> dict[str, str]:
    """Which column has the pictures, the captions and, if any, the sounds. Raises DatasetError."""
    features = table.features
    found: dict[str, str] = {}
    for column, feature in features.items():
        if isinstance(feature, datasets.Image):
            found.setdefault("image", column)
        elif isinstance(feature, datasets.Audio):
            found.setdefault("sound", column)
    caption = next((column for column in _CAPTIONS if column in features), None)
    if "image" not in found or caption is None:
        wanted = "an Image" if "image" not in found else f"a text called {' or '.join(_CAPTIONS)}"
        raise DatasetError(f"{PREFIX}{name} has no column that is {wanted}: {', '.join(features)}")
    return found | {"caption": caption}


def _records(
    datasets: Any, name: str, tables: dict[str, Any], columns: dict[str, dict[str, str]]
) -> Iterator[Record]:
    """Row by row, undecoded: our own door decodes."""
    read = 0
    for split, whole in tables.items():
        wanted = columns[split]
        more = _more(datasets, whole, wanted)
        table = whole.select_columns([*wanted.values(), *more])
        table = table.cast_column(wanted["image"], datasets.Image(decode=False))
        if "sound" in wanted:
            table = table.cast_column(wanted["sound"], datasets.Audio(decode=False))
        for line, row in enumerate(table, start=1):
            read += 1
            image, sound = (_media(row.get(wanted.get(kind, ""))) for kind in ("image", "sound"))
            facets = facets_in({column: say(row[column]) for column, say in more.items()})
            given = row[wanted["caption"]]
            for caption in given if isinstance(given, list) else [given]:
                told = {"image": f"row {line}", "caption": caption, "split": _split(split)}
                yield Record(f"{name}, {split}", line, told, image, sound, facets, read=read)


def _more(datasets: Any, table: Any, wanted: Mapping[str, str]) -> dict[str, Say]:
    """The other columns of single values, and how a cell is said: classes by their names."""
    found: dict[str, Say] = {}
    for column, feature in table.features.items():
        if column in wanted.values():
            continue
        if isinstance(feature, datasets.ClassLabel):
            found[column] = partial(_class, feature)
        elif isinstance(feature, datasets.Value):
            found[column] = _as_it_is
    return found


def _class(feature: Any, cell: Any) -> object:
    return feature.int2str(cell) if cell is not None and 0 <= cell < feature.num_classes else None


def _as_it_is(cell: Any) -> object:
    return cell


def _split(name: str) -> str:
    return next((split for start, split in _SPLITS.items() if name.startswith(start)), "train")


def _media(cell: Any) -> Media:
    """The bytes or the file of an undecoded cell."""
    if not isinstance(cell, Mapping):
        return None
    if cell.get("bytes") is not None:
        return bytes(cell["bytes"])
    return Path(cell["path"]) if cell.get("path") else None
