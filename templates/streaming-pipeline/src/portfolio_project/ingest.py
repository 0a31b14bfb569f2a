"""Bring events in: from the simulator, or from a file of one's own through the same door.

Writes `events.log` (a data set), `dead-letters.jsonl` (what was refused, and why) and `run.json`.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from .broker import Envelope
from .dataset import DatasetError, write_events
from .events import SCHEMA_VERSION, UNIT, Rejected, Topic, read_event
from .features import LABEL_DELAY
from .generator import plan
from .provenance import DeadLetters, RunManifest, deterministic, write_run
from .simulator import World, simulate
from .sources import COLUMNS, FileSchema, read_rows

EVENTS_FILE = "events.log"
LETTERS_FILE = "dead-letters.jsonl"
RUN_FILE = "run.json"


@dataclass(frozen=True)
class Ingested:
    """How many events were taken, of them labels, and how many rows were refused."""

    events: int
    labels: int
    refused: int


def ingest_world(world: World, folder: Path) -> Ingested:
    """Simulate `world` and write its history into `folder`; the same world, the same bytes."""
    with deterministic(0):
        events = plan(simulate(world))
        arrived = events.position_at(world.present - 1)
        count = write_events(folder / EVENTS_FILE, events.envelopes(0, arrived))
    (folder / LETTERS_FILE).unlink(missing_ok=True)
    done = Ingested(count, events.ledger(arrived)["label"], 0)
    _describe(folder, {}, {"world": asdict(world)}, done)
    return done


def ingest_file(source: Path, folder: Path, schema: FileSchema | None = None) -> Ingested:
    """Read CSV, JSON lines or Parquet with the columns of `sources.COLUMNS`, in order of arrival.

    `schema` says what the file calls them. `occurred_at` and `arrived_at` are Unix seconds, ISO
    8601 or timestamps, `fraud` is 0 or 1 and becomes a label seven days after the payment. A bad
    row goes to the dead letters. Raises DatasetError if the file cannot be read or a column is
    missing.
    """
    schema = schema or FileSchema()
    scale = UNIT if schema.amount.unit == "major" else 1
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LETTERS_FILE).unlink(missing_ok=True)
    letters = DeadLetters(folder / LETTERS_FILE)
    refused = 0
    taken: list[tuple[int, int, Envelope]] = []
    seen: set[str] = set()
    clock = 0
    for line, row in read_rows(source, schema):
        try:
            arrived_at, payment, fraud = _read_row(row, clock, scale)
            _admit(payment, arrived_at, seen)
        except ValueError as error:
            letters.add(row, str(error), source=source.name, line=line)
            refused += 1
            continue
        clock = arrived_at
        taken.append((arrived_at, 1, Envelope(arrived_at, Topic.TRANSACTIONS, payment)))
        if fraud:
            label = _label_of(payment, arrived_at)
            taken.append((label.arrived_at, 0, label))
    if not taken:
        raise DatasetError(f"{source}: none of its rows is a transaction; see {letters.path}")
    taken.sort(key=lambda entry: entry[:2])
    count = write_events(folder / EVENTS_FILE, (envelope for _, _, envelope in taken))
    done = Ingested(count, count - len(seen), refused)
    _describe(folder, {source.name: source}, {"schema": schema.model_dump()}, done)
    return done


def _describe(
    folder: Path, inputs: dict[str, Path], config: dict[str, Any], done: Ingested
) -> None:
    outputs = {EVENTS_FILE: folder / EVENTS_FILE}
    if done.refused:
        outputs[LETTERS_FILE] = folder / LETTERS_FILE
    with deterministic(0):
        manifest = RunManifest.capture(
            "ingest", inputs=inputs, outputs=outputs, config=config, seed=0, metrics=asdict(done)
        )
    write_run(folder / RUN_FILE, manifest)


def _read_row(row: Any, clock: int, scale: int) -> tuple[int, bytes, bool]:
    """Arrival, the event's JSON, and whether it is a fraud. Raises ValueError with the reason."""
    if not isinstance(row, dict):
        raise ValueError("the row is no object")  # noqa: TRY004 - told to whoever wrote it
    if missing := [name for name in COLUMNS if row.get(name) in {None, ""}]:
        raise ValueError(f"{missing[0]}: missing")
    occurred_at = _instant(row["occurred_at"], "occurred_at")
    given = row.get("arrived_at")
    arrived_at = max(clock, occurred_at) if given in {None, ""} else _instant(given, "arrived_at")
    fraud = str(row.get("fraud") or "0").strip().lower()
    if fraud not in {"0", "1", "true", "false"}:
        raise ValueError("fraud: give 0 or 1")
    try:
        cents = round(float(row["amount"]) * scale)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("amount: not a number") from None
    payment = {
        "version": SCHEMA_VERSION,
        "event_id": str(row["event_id"]),
        "occurred_at": occurred_at,
        "card_id": str(row["card_id"]),
        "terminal_id": str(row["terminal_id"]),
        "amount_cents": cents,
    }
    return arrived_at, orjson.dumps(payment), fraud in {"1", "true"}


def _admit(payment: bytes, arrived_at: int, seen: set[str]) -> None:
    event = read_event(Topic.TRANSACTIONS, payment, arrived_at)
    if isinstance(event, Rejected):
        raise ValueError(event.detail)  # noqa: TRY004 - the row's value is wrong
    if event.event_id in seen:
        raise ValueError("event_id: another row has it already")
    seen.add(event.event_id)


def _label_of(payment: bytes, arrived_at: int) -> Envelope:
    event = orjson.loads(payment)
    label = {key: event[key] for key in ("version", "event_id", "occurred_at", "terminal_id")}
    reported = max(arrived_at, event["occurred_at"] + LABEL_DELAY)
    return Envelope(reported, Topic.LABELS, orjson.dumps(label | {"fraud": True}))


def _instant(value: Any, column: str) -> int:
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    text = str(value).strip()
    with suppress(ValueError):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{column}: give Unix seconds or ISO 8601") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def main(arguments: list[str]) -> int:
    """`python -m ... WORLD_JSON FOLDER`: `ingest_world`, for a second run elsewhere."""
    world, folder = arguments
    ingest_world(World(**orjson.loads(world)), Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
