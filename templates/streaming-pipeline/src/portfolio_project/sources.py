"""Rows of a file of one's own: CSV, JSON lines or Parquet, under the names that a schema declares.

A schema is a small TOML file, needed only where a file's columns are called otherwise:

    [columns]
    event_id = "TRANSACTION_ID"
    occurred_at = "TX_DATETIME"

    [amount]
    unit = "minor"
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .dataset import DatasetError

COLUMNS = ("event_id", "occurred_at", "card_id", "terminal_id", "amount")
OPTIONAL_COLUMNS = ("fraud", "arrived_at")

Column = Literal[
    "event_id", "occurred_at", "card_id", "terminal_id", "amount", "fraud", "arrived_at"
]


class AmountSchema(BaseModel):
    """How amounts are written."""

    model_config = ConfigDict(extra="forbid")

    unit: Literal["major", "minor"] = "major"
    """Currency units, or hundredths of them."""


class FileSchema(BaseModel):
    """What a file's columns are called, and how its amounts are written."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[Column, str] = Field(default_factory=dict[Column, str])
    amount: AmountSchema = AmountSchema()

    def name(self, column: str) -> str:
        """What the file calls `column`."""
        return next((theirs for ours, theirs in self.columns.items() if ours == column), column)

    def renamed(self, row: Any) -> Any:
        """The row under our names; what is no row comes back as it is."""
        if not isinstance(row, dict):
            return row
        return {name: row.get(self.name(name)) for name in (*COLUMNS, *OPTIONAL_COLUMNS)}


def read_schema(path: Path) -> FileSchema:
    """The schema in a TOML file. Raises DatasetError with what is wrong with it."""
    try:
        return FileSchema.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is no TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DatasetError(f"{path}: {where}: {first['msg']}") from None


def read_rows(source: Path, schema: FileSchema) -> Iterator[tuple[int, Any]]:
    """Number and content of each row, under our names.

    Raises DatasetError if the file cannot be read, or lacks a column that is needed.
    """
    if source.suffix == ".parquet":
        rows = _parquet_rows(source, schema)
    elif source.suffix in {".jsonl", ".ndjson"}:
        rows = _json_rows(_text(source).splitlines())
    else:
        rows = _csv_rows(source, schema)
    return ((number, schema.renamed(row)) for number, row in rows)


def _csv_rows(source: Path, schema: FileSchema) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(_text(source).splitlines())
    _insist(source, schema, reader.fieldnames or ())
    for row in reader:
        yield reader.line_num, row


def _json_rows(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        row: Any = line
        with suppress(orjson.JSONDecodeError):
            row = orjson.loads(line)
        yield number, row


def _parquet_rows(source: Path, schema: FileSchema) -> Iterator[tuple[int, Any]]:
    try:
        import duckdb  # noqa: PLC0415 - an extra, for those who have Parquet
    except ModuleNotFoundError:
        raise DatasetError(f"{source}: Parquet needs the extra `parquet`") from None
    if not source.is_file():
        raise DatasetError(f"{source}: No such file")
    with duckdb.connect() as database:
        try:
            database.execute("SET TimeZone = 'UTC'")
            found = database.execute("SELECT * FROM read_parquet(?)", [str(source)])
            names = [column[0] for column in found.description or ()]
            _insist(source, schema, names)
            number = 0
            while batch := found.fetchmany(1_000):
                for values in batch:
                    number += 1
                    yield number, dict(zip(names, values, strict=True))
        except duckdb.Error as error:
            raise DatasetError(f"{source}: {str(error).splitlines()[0]}") from None


def _insist(source: Path, schema: FileSchema, names: Iterable[str]) -> None:
    there = set(names)
    missing = [schema.name(name) for name in COLUMNS if schema.name(name) not in there]
    if missing:
        needed = ", ".join(schema.name(name) for name in COLUMNS)
        raise DatasetError(f"{source}: column {missing[0]!r} is missing; it needs {needed}")


def _text(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{source}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{source} is no UTF-8 text; give CSV, JSON lines or Parquet") from None
