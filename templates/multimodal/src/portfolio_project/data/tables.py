"""A folder of pictures: told of by a table, CSV or JSON lines, or by a text beside each picture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..preprocess import BadMedia
from .dataset import DatasetError
from .records import Record, Source, facets_in, named, read_media
from .shards import PICTURES, SOUNDS, TEXTS

TABLES = (".csv", ".jsonl", ".ndjson")
_LONGEST_FIELD = 1_000_000
_LINE = 120


def read_table(path: Path) -> Source:
    """The rows of a table; files are named relative to its folder. Raises DatasetError."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is no UTF-8 text; save it as one") from None
    rows = list(_csv_rows(path, text) if path.suffix.lower() == ".csv" else _json_rows(text))
    records = (_record(path, line, row, read) for read, (line, row) in enumerate(rows, start=1))
    return Source(records, len(rows), {path.name: path})


def read_beside(folder: Path) -> Source:
    """Pictures and, under the same name, texts: `cat.jpg` and `cat.txt`. Raises DatasetError."""
    pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    if not any(_beside(path, TEXTS) for path in pictures):
        raise DatasetError(
            f"{folder} has no captions: give a captions.csv with the columns image and caption, "
            "or a text file beside each picture"
        )
    records = (_pair(folder, path, number) for number, path in enumerate(pictures, start=1))
    return Source(records, len(pictures))


def find_table(folder: Path) -> Path | None:
    """The one table of a folder. Raises DatasetError if there are several."""
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in TABLES)
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DatasetError(f"{folder} has several tables ({names}); name the one that counts")
    return found[0] if found else None


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    missing = {"image", "caption"} - set(named(dict.fromkeys(reader.fieldnames, "x")))
    if missing:
        found = ", ".join(reader.fieldnames)[:_LINE] or "none"
        raise DatasetError(
            f"{path}: there is no column {min(missing)!r} among {found}; it needs image and "
            "caption, set apart by commas, and may have sound and split"
        )
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise DatasetError(f"{path}, line {reader.line_num}: {error}") from None


def _json_rows(text: str) -> Iterator[tuple[int, Any]]:
    for line, written in enumerate(text.split("\n"), start=1):
        if written.strip():
            try:
                yield line, json.loads(written)
            except (ValueError, RecursionError):
                yield line, written


def _record(table: Path, line: int, row: Any, read: int) -> Record:
    if not isinstance(row, dict):
        return Record(table.name, line, {"row": row}, fault="the row is no object", read=read)
    told = named(row)
    record = Record(table.name, line, told, facets=facets_in(row), read=read)
    for field in ("image", "sound"):
        given = told.get(field)
        if given is None:
            continue
        if not isinstance(given, str):
            return replace(record, fault=f"{field}: give the name of a file")
        path, fault = _inside(table.parent, given)
        if fault:
            return replace(record, fault=f"{field}: {fault}")
        record = replace(record, **{field: path})  # type: ignore[arg-type]  # a field that is there
    return record


def _inside(folder: Path, name: str) -> tuple[Path, str]:
    """The file of that name, and why it may not be read, if so."""
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            return folder, "the file lies outside of the folder"
        return (path, "") if path.is_file() else (folder, "there is no such file")
    except (OSError, ValueError, RuntimeError):
        return folder, "this is no name of a file"


def _pair(folder: Path, picture: Path, number: int) -> Record:
    name = picture.relative_to(folder).as_posix()
    record = Record(name, 1, {"image": name}, read=number)
    _, fault = _inside(folder, name)
    if fault:
        return replace(record, fault=f"image: {fault}")
    text, sound = _beside(picture, TEXTS), _beside(picture, SOUNDS)
    try:
        caption = read_media(text, _LONGEST_FIELD).decode("utf-8-sig") if text else ""
    except (BadMedia, UnicodeDecodeError):
        return replace(record, fault="caption: its file is no UTF-8 text")
    return replace(record, told={**record.told, "caption": caption}, image=picture, sound=sound)


def _beside(picture: Path, suffixes: tuple[str, ...]) -> Path | None:
    found = (picture.with_suffix(suffix) for suffix in suffixes)
    return next((path for path in found if path.is_file()), None)
