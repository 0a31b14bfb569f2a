"""Values as Markdown: escaped, so that a value is never markup, and tables of them."""

import html
import re
from collections.abc import Mapping, Sequence

_MARKUP = re.compile(r"([\\`*_\[\]|~#])")


def escape(value: object) -> str:
    """Return a value as Markdown text: one line, no markup, no HTML."""
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(str(value).split()), quote=False))


def code(value: object) -> str:
    """Return a value as inline code; backticks and line breaks in it are dropped."""
    text = " ".join(str(value).replace("`", "'").replace("|", "\u00a6").split())
    return f"`{text}`" if text else ""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table of cells that are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def value_table(value: Mapping[str, object] | Sequence[Mapping[str, object]]) -> str:
    """Return a table of a mapping (a row for each key) or of records (a column for each key)."""
    if isinstance(value, Mapping):
        rows = [[escape(key), escape(item)] for key, item in value.items()]
        return table(["figure", "value"], rows)
    columns = list(dict.fromkeys(key for record in value for key in record))
    rows = [[escape(record.get(column, "")) for column in columns] for record in value]
    return table([escape(column) for column in columns], rows)
