"""Records that could not be processed: kept with the reason, in a file that only grows.

One JSON object a line. A letter is acknowledged (`add` returns) only when it is on disk, so a kill
loses nothing that was acknowledged. A line that a kill tore is skipped by readers.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .durable import append_line, complete_lines
from .hashing import canonical_json


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused record.

    Attributes:
        id: its offset in bytes in the file; never reused, because the file only grows.
        record: what was refused, as it was given (a JSON value, text or bytes).
        reason: why, in one line.
        source: where it came from (a file's name, a topic), if that was told.
        line: its 1-based line number in the source, if that was told.
    """

    id: int
    record: Any
    reason: str
    source: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Redriven:
    """What `redrive` did: letters resolved, and those that failed again with the new reason."""

    resolved: int
    failed: tuple[tuple[DeadLetter, str], ...]


class DeadLetters:
    """An append-only JSONL file of refused records."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`; it is made by the first `add`."""
        self.path = path

    def add(
        self, record: object, reason: str, *, source: str | None = None, line: int | None = None
    ) -> DeadLetter:
        """Keep a record and return once it is on disk. Any record is taken, however broken.

        Args:
            record: a JSON value, text or bytes; another object is kept as its `repr`.
            reason: why it was refused.
            source: where it came from.
            line: its 1-based line number there.

        Raises:
            OSError: the disk is full, or the file cannot be written: nothing was kept.
        """
        form, stored = _encode(record)
        entry = {"reason": reason, "form": form, "record": stored, "source": source, "line": line}
        text = json.dumps(entry, sort_keys=True).encode()  # ASCII: also for unpaired surrogates
        start = append_line(self.path, text)
        return DeadLetter(start, _decode(form, stored), reason, source, line)

    def __iter__(self) -> Iterator[DeadLetter]:
        """Yield every letter, in the order in which they were added."""
        for offset, entry in self._entries():
            if "form" in entry:
                yield DeadLetter(
                    id=offset,
                    record=_decode(entry["form"], entry["record"]),
                    reason=entry["reason"],
                    source=entry["source"],
                    line=entry["line"],
                )

    def __len__(self) -> int:
        """Count the letters, resolved ones included."""
        return sum(1 for _ in self)

    def pending(self) -> Iterator[DeadLetter]:
        """Yield the letters that no `redrive` has resolved yet."""
        resolved = {entry["resolved"] for _, entry in self._entries() if "resolved" in entry}
        return (letter for letter in self if letter.id not in resolved)

    def redrive(self, handle: Callable[[DeadLetter], None]) -> Redriven:
        """Give each pending letter to `handle` again; one that it takes is marked resolved.

        A letter whose handling raises stays pending. A kill between handling and marking hands the
        letter out once more, so `handle` must be idempotent.

        Raises:
            OSError: a mark cannot be written.
        """
        resolved, failed = 0, list[tuple[DeadLetter, str]]()
        for letter in list(self.pending()):
            try:
                handle(letter)
            except Exception as error:  # noqa: BLE001 - whatever it is, the letter stays
                failed.append((letter, f"{type(error).__name__}: {error}"))
                continue
            append_line(self.path, canonical_json({"resolved": letter.id}))
            resolved += 1
        return Redriven(resolved, tuple(failed))

    def _entries(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for offset, line in complete_lines(self.path):
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # torn by a kill: its `add` never returned
            if isinstance(entry, dict):
                yield offset, entry


def _encode(record: object) -> tuple[str, Any]:
    if isinstance(record, bytes):
        try:
            return "utf-8", record.decode()
        except UnicodeDecodeError:
            return "base64", base64.b64encode(record).decode()
    try:
        json.dumps(record, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return _encode_odd(record)
    return "json", record


def _encode_odd(record: object) -> tuple[str, str]:
    try:
        return "json-with-nan", json.dumps(record)
    except (TypeError, ValueError, RecursionError):
        return "repr", repr(record)


def _decode(form: str, stored: Any) -> Any:
    match form:
        case "utf-8":
            return str(stored).encode()
        case "base64":
            return base64.b64decode(stored)
        case "json-with-nan":
            return json.loads(stored)
        case _:
            return stored
