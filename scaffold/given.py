"""Answers that come with the command line: ``--data``, ``--answers`` and git's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from scaffold.answers import QUESTIONS, check_keys
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FROM_GIT = {"user.name": "author_name", "user.email": "author_email", "github.user": "owner"}


def from_data(pairs: Iterable[str]) -> dict[str, str]:
    """Return the answers of ``--data KEY=VALUE``; the last one of a key counts."""
    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise ScaffoldError(f"--data {pair} has no value", "Write --data KEY=VALUE.")
        given[key.strip()] = value
    return given


def from_file(path: Path) -> dict[str, Any]:
    """Return the answers in a JSON, TOML or YAML file, also in a project's own answers file.

    What a project's file says of its template is left out; values keep their types.

    Raises:
        ScaffoldError: there is no such file, or it isn't one mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = _parse(text, path.suffix.lower())
    except OSError as error:
        raise ScaffoldError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ScaffoldError(f"{path} can't be understood: {error}") from error
    if not isinstance(content, dict):
        raise ScaffoldError(f"{path} is no list of KEY: VALUE")
    mapping = cast("dict[object, object]", content)
    return {str(key): value for key, value in mapping.items() if not _is_of_template(str(key))}


def as_text(given: dict[str, Any], source: str) -> dict[str, str]:
    """Return the answers as text, refusing what is none (a number, an unquoted date)."""
    for key, value in given.items():
        if not isinstance(value, str):
            message = f"{source} has {key} = {value!r}, which isn't text"
            raise ScaffoldError(message, "Put it in double quotes.")
    return given


def by_arguments(file: Path | None, pairs: Iterable[str]) -> dict[str, str]:
    """Return the answers of ``--answers`` and ``--data``, which has the last word.

    Raises:
        ScaffoldError: a question doesn't exist, an answer isn't text, the file can't be read.
    """
    given: dict[str, str] = {}
    if file:
        given = as_text(from_file(file), str(file))
        check_keys(given, str(file))
    data = from_data(pairs)
    check_keys(data, "--data")
    return given | data


def from_git() -> dict[str, str]:
    """Return what git knows of the user, as far as it can stand in a project."""
    from scaffold.process import run

    names = "|".join(name.replace(".", "[.]") for name in _FROM_GIT)
    try:
        outcome = run(["git", "config", "--null", "--get-regexp", f"^({names})$"], timeout=10)
    except OSError:
        return {}
    found: dict[str, str] = {}
    for entry in outcome.stdout.split("\0"):
        name, _, value = entry.partition("\n")
        key = _FROM_GIT.get(name)
        if key and value.strip():
            found[key] = " ".join(value.split())
    rules = {question.key: question.rules for question in QUESTIONS}
    return {
        key: value
        for key, value in found.items()
        if not any(rule.broken_by(value) for rule in rules[key])
    }


def _is_of_template(key: str) -> bool:
    return key.startswith("_") or key == "template"


def _parse(text: str, suffix: str) -> object:
    if suffix == ".json":
        import json

        return json.loads(text)
    if suffix == ".toml":
        import tomllib

        return tomllib.loads(text)
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(error) from error
