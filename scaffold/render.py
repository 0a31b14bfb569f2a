"""Give a compiled tree its identity. No engine: one pass that puts values in tokens' places."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.compile import LICENSE_FILE
from scaffold.identity import TOKEN_BYTES_PATTERN, TOKEN_PATTERN, context_of, token_values
from scaffold.tree import File, Tree, sorted_tree

if TYPE_CHECKING:
    from scaffold.answers import Answers

Table = dict[bytes, bytes]
_LICENSES = Path(__file__).parent / "licenses"


def render(tree: Tree, answers: Answers) -> Tree:
    """Return the project: every token replaced, in paths and contents, and the licence chosen.

    A value is never looked at again, so one that itself holds a token stays as it is.
    """
    values = answers.values()
    names = token_values(values, None)
    licensed = {**tree, LICENSE_FILE: license_file(values["license"])}
    tables: dict[str | None, Table] = {}
    rendered: dict[str, File] = {}
    for path, file in licensed.items():
        context = context_of(path)
        if context not in tables:
            tables[context] = _table(values, context)
        new_path = TOKEN_PATTERN.sub(lambda match: names[match[0]], path)
        rendered[new_path] = File(_replaced(file.data, tables[context]), file.executable)
    return sorted_tree(rendered)


def _table(values: dict[str, str], context: str | None) -> Table:
    return {token.encode(): text.encode() for token, text in token_values(values, context).items()}


def _replaced(data: bytes, table: Table) -> bytes:
    return TOKEN_BYTES_PATTERN.sub(lambda match: table[match[0]], data)


@cache
def license_file(spdx: str) -> File:
    """Return a licence's text, with the author's token."""
    return File((_LICENSES / f"{spdx}.txt").read_bytes())
