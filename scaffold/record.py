"""What a project says of its own making: template, version, the tree's digest, and the answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

from scaffold.answers import Answers
from scaffold.compile import ANSWERS_FILE
from scaffold.errors import ScaffoldError
from scaffold.tree import File

if TYPE_CHECKING:
    from pathlib import Path

    from scaffold.tree import Tree

_OURS = "scaffold/"
_KEYS = tuple(field.name for field in fields(Answers))


@dataclass(frozen=True, slots=True)
class Origin:
    """One state of one template.

    ``digest`` is empty where the project doesn't record it. ``source`` is what the record calls
    the template's home; Copier wrote another one there if it made the project from an export.
    """

    template: str
    version: str
    digest: str
    source: str = ""

    @property
    def tag(self) -> str:
        """The tag of this release in the history."""
        return f"{self.template}/v{self.version}"

    def __str__(self) -> str:
        return f"{self.template} {self.version}"


@dataclass(frozen=True, slots=True)
class Record:
    """Where a project comes from, and with which answers."""

    origin: Origin
    answers: Answers


def read_record(project: Path) -> Record:
    """Read a project's record.

    Raises:
        ScaffoldError: there is none, it can't be read, or another program wrote it.
    """
    path = project / ANSWERS_FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ScaffoldError(
            f"{project} has no {ANSWERS_FILE}, so it wasn't made by scaffold",
            "Give the folder of a project that `scaffold new` made.",
        ) from None
    except OSError as error:
        raise ScaffoldError(f"{path} can't be read: {error.strerror}") from error
    return parse_record(data, str(path))


def parse_record(data: bytes, where: str) -> Record:
    """Return the record in a file's bytes; ``where`` names the file in an error."""
    values = _mapping(data, where)
    origin = _origin(values, where)
    answers = {key: values[key] for key in _KEYS if isinstance(values.get(key), str)}
    missing = [key for key in _KEYS if key not in answers]
    if missing:
        raise ScaffoldError(f"{where} has no {missing[0]}", "Restore it with git.")
    return Record(origin, Answers(**answers))


def origin_of(tree: Tree) -> Origin:
    """Return which state of which template a compiled tree is.

    Raises:
        KeyError: the tree has no record, so it wasn't compiled by us.
    """
    return _origin(_mapping(tree[ANSWERS_FILE].data, ANSWERS_FILE), ANSWERS_FILE)


def _mapping(data: bytes, where: str) -> dict[str, Any]:
    import yaml

    if b"\n<<<<<<< " in b"\n" + data:
        raise ScaffoldError(f"{where} holds conflict markers", "Settle the conflict first.")
    try:
        values = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError):
        values = None
    if not isinstance(values, dict):
        raise ScaffoldError(f"{where} can't be understood", "Restore it with git.")
    return cast("dict[str, Any]", values)


def with_source(tree: Tree, source: str) -> Tree:
    """Return a rendered tree whose record names the project's own source.

    So an update leaves that line as it is: it may be an export's, which Copier needs to find.
    """
    if not source or ANSWERS_FILE not in tree:
        return tree
    line = f"_src_path: {json.dumps(source, ensure_ascii=False)}\n".encode()
    record = tree[ANSWERS_FILE]
    data = re.sub(rb"(?m)^_src_path: .*\n", lambda _: line, record.data)
    return {**tree, ANSWERS_FILE: File(data, record.executable)}


def _origin(values: dict[str, Any], where: str) -> Origin:
    source, version = values.get("_src_path"), values.get("_commit")
    named, digest = values.get("template"), values.get("_tree")
    if not isinstance(source, str) or not isinstance(version, str):
        raise ScaffoldError(
            f"{where} doesn't say which template it is from", "Restore it with git."
        )
    if source.startswith(_OURS):
        named = source.removeprefix(_OURS)
    elif not isinstance(named, str) or not isinstance(digest, str):
        raise ScaffoldError(
            f"{where} names another template than one of scaffold's ({source})",
            "`copier update` is for those.",
        )
    return Origin(named, version, digest if isinstance(digest, str) else "", source)
