"""A data set is a segment of the log in a file: one event a line, in order of arrival.

A line is the arrival (Unix seconds), the topic and the event's JSON, with tabs between. It holds
only events that passed the door; what did not is in the dead letters beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from .broker import Envelope


class DatasetError(Exception):
    """A data set is missing or malformed; the text says what to do."""


def write_events(path: Path, events: Iterable[Envelope]) -> int:
    """Write `events` to `path`; returns how many. The same events give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        for arrived_at, topic, value in events:
            file.write(b"%d\t%s\t%s\n" % (arrived_at, topic.encode(), value))
            count += 1
    partial.replace(path)
    return count


def read_events(path: Path) -> Iterator[Envelope]:
    """Yield the events of `path`. Raises DatasetError, which names the line."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}. Run the command `ingest` first") from None
    with file:
        for number, line in enumerate(file, start=1):
            fields = line.rstrip(b"\n").split(b"\t", 2)
            try:
                arrived_at, topic, value = fields
                yield Envelope(int(arrived_at), topic.decode("ascii"), value)
            except ValueError:
                raise DatasetError(f"{path}, line {number} is no event. Ingest again") from None
