"""What is wrong with a living template, all of it at once, for whoever writes one."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scaffold.answers import Answers
from scaffold.compile import LICENSE_FILE, check_file, compile_template, living_files
from scaffold.errors import ScaffoldError
from scaffold.identity import MAX_NAME, TOKEN_PATTERN, TOKENS, context_of
from scaffold.render import render
from scaffold.template import METADATA, Template, read_living

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scaffold.tree import File, Tree

WIDEST_LINE = 100
"""What a formatter would break: a line of Python must fit under the longest name as well."""

_NAMES = ("portfolio-project", "portfolio_project")
_PLAIN = Answers(
    project_name="my-project",
    package_name="my_project",
    title="My Project",
    description="What it does.",
    author_name="Ada Lovelace",
    author_email="ada@example.org",
    owner="ada",
    license="MIT",
)
_IDENTITIES = {
    "plain": _PLAIN,
    "short": replace(_PLAIN, project_name="q", package_name="q", title="Q"),
    "long": replace(_PLAIN, project_name="q" * MAX_NAME, package_name="q" * MAX_NAME),
    "hostile": replace(
        _PLAIN,
        title='"Quotes" & <b>\'s \\ {{ braces }} 🙂',
        description='A "description": # not a comment | `code` *stars*',
        author_name='Zoë O\'Neil \\ "Z"',
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right; ``path`` is empty where it concerns the whole template."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def check_template(folder: Path) -> list[Problem]:
    """Look at everything that generation, export and updates rely on; empty when all is well."""
    try:
        template = read_living(folder)
    except ScaffoldError as error:
        return [Problem(METADATA, str(error))]
    found = list(_metadata(template))
    found += _files(folder)
    if found:
        return found  # it can't be compiled, so nothing more can be seen
    try:
        tree = compile_template(template)
    except ScaffoldError as error:
        return [_problem(error)]
    found += _tokens(tree)
    found += _rendered(tree)
    found += _flavours(tree, template)
    found += _locks(folder)
    return found


def _metadata(template: Template) -> Iterator[Problem]:
    if not re.fullmatch(r"\d+\.\d+\.\d+", template.version):
        yield Problem(METADATA, f"version {template.version!r} isn't of the form 1.2.3")
    if not template.highlights:
        yield Problem(METADATA, "highlights is empty: say what a project will have")


def _files(folder: Path) -> Iterator[Problem]:
    """Yield what the compiler would stop at, file by file."""
    try:
        files = living_files(folder)
    except ScaffoldError as error:
        yield _problem(error)
        return
    for path in sorted(files.keys() - {METADATA, LICENSE_FILE}):
        try:
            check_file(path, files[path])
        except ScaffoldError as error:
            yield _problem(error)


def _problem(error: ScaffoldError) -> Problem:
    return Problem("", str(error).removeprefix("the template can't be compiled: "))


def _tokens(tree: Tree) -> Iterator[Problem]:
    project = tree.get("pyproject.toml")
    if project is None:
        yield Problem("pyproject.toml", "is missing")
    elif b'name = "portfolio-project"' not in project.data:
        yield Problem("pyproject.toml", 'has no `name = "portfolio-project"`')
    if not any(path.startswith("src/portfolio_project/") for path in tree):
        yield Problem("src/portfolio_project", "is missing: the package of a generated project")
    for path, file in tree.items():
        if path.endswith(".py"):
            yield from _wide_lines(path, file)


def _wide_lines(path: str, file: File) -> Iterator[Problem]:
    for number, line in enumerate(file.data.decode("utf-8", "replace").splitlines(), 1):
        grown = sum(line.count(name) * (MAX_NAME - len(name)) for name in _NAMES)
        if grown and len(line) + grown > WIDEST_LINE >= len(line):
            what = f"gets longer than {WIDEST_LINE} characters under a name of {MAX_NAME}"
            yield Problem(f"{path}:{number}", what)


def _rendered(tree: Tree) -> Iterator[Problem]:
    """Yield each file that doesn't parse under some identity, or still holds a token."""
    for label, answers in _IDENTITIES.items():
        for path, file in render(tree, answers).items():
            message = _unparsable(path, file)
            if message:
                yield Problem(path, f"{message} under the {label} identity")
    for path, file in render(tree, _PLAIN).items():
        left = TOKEN_PATTERN.search(file.data.decode("utf-8", "replace"))
        if left and context_of(path) is not None:
            yield Problem(path, f"still holds `{left[0]}` ({TOKENS[left[0]]})")


def _unparsable(path: str, file: File) -> str:
    parse = _PARSERS.get(path[path.rfind(".") :]) if "." in path else None
    if parse is None:
        return ""
    try:
        parse(file.data.decode("utf-8"))
    except (ValueError, SyntaxError) as error:
        return f"can't be parsed ({str(error).splitlines()[0]})"
    return ""


def _yaml(text: str) -> object:
    import yaml

    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise ValueError(error) from error


_PARSERS: dict[str, Callable[[str], object]] = {
    ".json": json.loads,
    ".py": ast.parse,
    ".toml": tomllib.loads,
    ".yaml": _yaml,
    ".yml": _yaml,
}


def _flavours(tree: Tree, template: Template) -> Iterator[Problem]:
    from scaffold.flavours import to_cookiecutter, to_copier

    for name, flavour in (("Copier", to_copier), ("Cookiecutter", to_cookiecutter)):
        try:
            flavour(tree, template)
        except (ScaffoldError, AssertionError) as error:
            yield Problem("", f"can't be written for {name}: {error}")


def _locks(folder: Path) -> Iterator[Problem]:
    if (folder / "uv.lock").is_file() or (folder / "requirements.lock").is_file():
        from scaffold.seed import drift

        for line in drift(folder):
            yield Problem("", f"{line}; run `python -m scaffold.seed {folder}`")
