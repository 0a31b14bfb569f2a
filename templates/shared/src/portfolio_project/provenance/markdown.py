"""Values as Markdown: escaped, so that a value is never markup, and tables of them."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_MARKUP = re.compile(r"([\\`*_\[\]|~#])")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of records: the key, what stands above it, the format of its values."""

    key: str
    above: str = ""
    form: str = ""

    @property
    def heading(self) -> str:
        """What stands above it; an underscore is a space."""
        return (self.above or self.key).replace("_", " ")


def escape(value: object) -> str:
    """Return a value as Markdown text: one line, no markup, no HTML."""
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(str(value).split()), quote=False))


def code(value: object) -> str:
    """Return a value as inline code; backticks and line breaks in it are dropped."""
    text = " ".join(str(value).replace("`", "'").replace("|", "\u00a6").split())
    return f"`{text}`" if text else ""


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool] | None = None
) -> str:
    """Return a Markdown table of cells that are Markdown already; `right`: columns of numbers."""
    rule = ["---:" if one else "---" for one in right or [False] * len(header)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def value_table(
    value: Mapping[str, object] | Sequence[Mapping[str, object]], columns: Sequence[Column] = ()
) -> str:
    """Return a table of a mapping, a row a key, or of records: `columns`, or a column a key.

    Raises KeyError when a record has no value for a chosen column, ValueError or TypeError when a
    format does not fit it.
    """
    if isinstance(value, Mapping):
        rows = [[escape(key), escape(item)] for key, item in value.items()]
        return table(["figure", "value"], rows)
    if not columns:
        keys = list(dict.fromkeys(key for record in value for key in record))
        value = [dict.fromkeys(keys, "") | dict(record) for record in value]
        columns = [Column(key) for key in keys]
    cells = [[record[one.key] for one in columns] for record in value]
    rows = [
        [escape(format(cell, one.form)) for cell, one in zip(row, columns, strict=True)]
        for row in cells
    ]
    right = [all(isinstance(row[at], int | float) for row in cells) for at in range(len(columns))]
    return table([escape(one.heading) for one in columns], rows, right)
