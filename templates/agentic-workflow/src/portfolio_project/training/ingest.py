"""Ingests what the model learns from: generated tickets, and what the expert did with them.

Writes `readings.jsonl`, `traces.jsonl` and `run.json`. Rows from elsewhere come in by the same
door: a row that does not fit goes to the dead letters with its reason.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from ..provenance import DeadLetters, RunManifest, canonical_json, deterministic, write_run
from ..tickets.corpus import readings, traces
from ..world.engine import migrate, open_engine
from .rows import ReadingRow

READINGS, TRACES = "readings.jsonl", "traces.jsonl"
LETTERS, RUN = "dead-letters.jsonl", "run.json"


@dataclass(frozen=True, slots=True)
class CorpusConfig:
    """How much is generated, and from which seed on."""

    tickets: int = 4_000
    traced: int = 500
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Ingested:
    """How many rows were taken, and how many refused."""

    readings: int
    traces: int
    refused: int


def ingest(folder: Path, config: CorpusConfig, extra: Path | None = None) -> Ingested:
    """Generate the corpus into `folder`; the same config gives the same bytes.

    Args:
        folder: where the files go.
        config: how much.
        extra: JSON lines of your own tickets, in the form of `ReadingRow`, added at the end.

    Raises:
        OSError: a file can't be read or written.
    """
    if extra is not None:
        extra.open("rb").close()  # a file that is not there is told of before the work, not behind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LETTERS).unlink(missing_ok=True)
    letters = DeadLetters(folder / LETTERS)
    with deterministic(config.seed):
        rows: Iterable[dict[str, Any]] = readings(config.tickets, config.seed)
        taken = _write(folder / READINGS, _checked(rows, extra, letters))
        with tempfile.TemporaryDirectory() as scratch:
            engine = open_engine(f"sqlite:///{scratch}/world.db")
            migrate(engine)
            traced = _write(folder / TRACES, traces(engine, config.traced, config.seed))
            engine.dispose()
        refused = _count(folder / LETTERS)
        done = Ingested(taken, traced, refused)
        manifest = RunManifest.capture(
            "ingest",
            inputs={extra.name: extra} if extra else {},
            outputs={READINGS: folder / READINGS, TRACES: folder / TRACES},
            config=asdict(config),
            seed=config.seed,
            metrics=asdict(done),
        )
    write_run(folder / RUN, manifest)
    return done


def _checked(
    rows: Iterable[dict[str, Any]], extra: Path | None, letters: DeadLetters
) -> Iterator[dict[str, Any]]:
    yield from rows
    if extra is None:
        return
    for number, line in enumerate(extra.read_text(encoding="utf-8").splitlines(), 1):
        try:
            yield ReadingRow.model_validate_json(line).model_dump()
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the row"
            letters.add(line, f"{where}: {first['msg']}", source=extra.name, line=number)


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("wb") as file:
        for row in rows:
            file.write(canonical_json(row) + b"\n")
            count += 1
    return count


def _count(path: Path) -> int:
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file that `ingest` wrote.

    Raises:
        OSError: it is missing.
    """
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def main(arguments: list[str]) -> int:
    """`python -m ... CONFIG_JSON FOLDER`: ingest again, for a second run elsewhere."""
    config, folder = arguments
    ingest(Path(folder), CorpusConfig(**orjson.loads(config)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
