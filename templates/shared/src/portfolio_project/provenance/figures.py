"""Figures in documents: each is filled in from a report that a command wrote, and checked.

A document marks a place and names a figure:

    <!-- figures:evaluate/metrics/recall .3f -->0.712<!-- /figures -->

The first part names a report (`reports/evaluate.json`) or another source, the rest is the path in
it, and a format may follow, in Python's format language. A mapping or a list of records becomes a
table; for records the format may name the columns, with commas: KEY, KEY:HEADING or
KEY:HEADING:FORMAT, where an underscore in a heading is a space. Marks in code (between backticks)
are left alone.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from .durable import replace_file
from .errors import DocumentError
from .hashing import readable_json, rounded
from .markdown import Column, escape, value_table

Source = Callable[[], Any]
"""Gives the value that a figure's path is looked up in; text is taken as Markdown."""

_BLOCK = re.compile(
    r"(?P<code>```.*?```|`[^`\n]*`)"
    r"|(?P<open><!-- figures:(?P<name>[^\s>]+)(?: (?P<format>[^\s>]+))? -->)"
    r"(?P<body>(?:(?!<!-- figures:).)*?)(?P<close><!-- /figures -->)",
    re.DOTALL,
)
_NEXT_COLUMN = re.compile(r",(?=[A-Za-z])")
_OPEN = re.compile(r"<!-- figures:|<!-- /figures -->")


def save_report(path: Path, value: object) -> None:
    """Write a report, its floats rounded to 6 decimals, in one step.

    Raises:
        ValueError: a number is NaN or infinite.
        OSError: the disk is full, or the folder cannot be written.
    """
    replace_file(path, readable_json(rounded(value)))


class Figures:
    """The figures that documents may show: reports in a folder, and named sources."""

    def __init__(self, reports: Path, sources: Mapping[str, Source] | None = None) -> None:
        """Look figures up in `reports/*.json`, and in `sources` by name first."""
        self._reports = reports
        self._sources = dict(sources or {})

    def fill(self, text: str) -> str:
        """Return a document's text with every marked figure as its report has it.

        Raises:
            DocumentError: a figure is unknown, its format unfit, or a mark is not closed.
        """
        left = _OPEN.search(_BLOCK.sub("", text))
        if left:
            raise DocumentError(f"a figure's mark is not closed, or not opened: {left.group()}")
        return _BLOCK.sub(self._fill_one, text)

    def _fill_one(self, match: re.Match[str]) -> str:
        if match["code"]:
            return match["code"]
        body = self.render(match["name"], match["format"] or "")
        return f"{match['open']}{body}{match['close']}"

    def render(self, name: str, form: str = "") -> str:
        """Return one figure as Markdown.

        Raises:
            DocumentError: the figure is unknown, or `form` does not fit it.
        """
        source, *path = name.split("/")
        value = self._value(source)
        for key in path:
            try:
                value = value[int(key)] if isinstance(value, list) else value[key]
            except (LookupError, TypeError, ValueError):
                raise DocumentError(f"figure {name}: there is no {key!r} in {source}") from None
        if isinstance(value, Mapping | list):
            try:
                return f"\n{value_table(value, _columns(form))}\n"
            except KeyError as error:
                raise DocumentError(f"figure {name}: not every record has {error}") from None
            except (TypeError, ValueError):
                raise DocumentError(
                    f"figure {name} is no list of records, or {form} does not fit them"
                ) from None
        if isinstance(value, str) and source in self._sources:
            return f"\n{value}\n"
        try:
            return escape(format(value, form))
        except (TypeError, ValueError):
            raise DocumentError(f"figure {name}: format {form!r} does not fit {value!r}") from None

    def _value(self, source: str) -> Any:
        if source in self._sources:
            return self._sources[source]()
        path = self._reports / f"{source}.json"
        try:
            return json.loads(path.read_bytes())
        except OSError:
            raise DocumentError(
                f"{path} is missing. Run the command that measures it, and publish its report"
            ) from None
        except ValueError:
            raise DocumentError(f"{path} is no JSON document. Write it again") from None


def _columns(form: str) -> list[Column]:
    # A comma within a format is followed by a dot, one between columns by a name.
    named = [one.split(":", 2) for one in _NEXT_COLUMN.split(form)] if form else []
    return [Column(*parts) for parts in named]


def write_documents(
    paths: Iterable[Path], produce: Callable[[str], str], *, check: bool = False
) -> list[str]:
    """Bring documents up to date, or with `check` only say which are not.

    Args:
        paths: the documents; one that is missing counts as empty.
        produce: old text -> new text.
        check: change nothing.

    Returns:
        A line for each document that changed, or that would.

    Raises:
        DocumentError: a document cannot be produced; the message begins with its path.
        OSError: a document cannot be written.
    """
    changed: list[str] = []
    for path in paths:
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        try:
            new = produce(old)
        except DocumentError as error:
            raise DocumentError(f"{path}: {error}") from None
        if new == old:
            continue
        changed.append(f"{path}: {_first_change(old, new)}")
        if not check:
            replace_file(path, new.encode())
    return changed


def _first_change(old: str, new: str) -> str:
    before, after = old.splitlines(), new.splitlines()
    for number, (was, now) in enumerate(zip(before, after, strict=False), 1):
        if was != now:
            return f"line {number} reads {was.strip()!r}, should be {now.strip()!r}"
    return f"{len(before)} lines, should be {len(after)}"
