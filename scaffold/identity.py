"""The tokens that give a living template its identity, and what may stand in their place.

Rules and escapes are data, so that the native renderer, Copier and Cookiecutter follow one
definition: a rule is a regular expression, an escape is a sequence of literal replacements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKENS = {
    "portfolio-project": "project_name",
    "portfolio_project": "package_name",
    "PORTFOLIO_PROJECT": "env_prefix",
    "Portfolio Project": "title",
    "A portfolio project.": "description",
    "Portfolio Author": "author_name",
    "author@portfolio.example": "author_email",
    "portfolio-owner": "owner",
    "LicenseRef-Portfolio": "license",
}
"""Token in a living template -> the value that takes its place."""

TOKEN_PATTERN = re.compile("|".join(map(re.escape, TOKENS)))
TOKEN_BYTES_PATTERN = re.compile(TOKEN_PATTERN.pattern.encode())

FREE_TEXT = frozenset({"title", "description", "author_name"})
"""Values that may hold almost any character, so that they must be escaped where they stand."""

DELIMITERS = {
    "variable_start_string": "@{=",
    "variable_end_string": "=}@",
    "block_start_string": "@{%",
    "block_end_string": "%}@",
    "comment_start_string": "@{#",
    "comment_end_string": "#}@",
}
"""Jinja's delimiters in the compiled Copier and Cookiecutter templates."""

_MARKDOWN_LISTS = [(f"{digit}{end} ", f"{digit}\\{end} ") for digit in range(10) for end in ".)"]

ESCAPES: dict[str, tuple[tuple[str, str], ...]] = {
    # Text that nothing parses.
    "plain": (),
    # Inside double quotes in TOML, YAML and JSON; control characters are refused beforehand.
    "quoted": (("\\", "\\\\"), ('"', '\\"')),
    # Text, or an attribute in double quotes.
    "html": (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("'", "&#39;"),
    ),
    # CommonMark and GitHub's tables, anywhere but in code: at the start of a line, in a heading,
    # a cell or a link's text. https://spec.commonmark.org/0.31.2/#backslash-escapes
    "markdown": (
        ("\\", "\\\\"),
        *((mark, "\\" + mark) for mark in "`*_[]<>#|~&$"),
        ("- ", "\\- "),
        ("+ ", "\\+ "),
        *_MARKDOWN_LISTS,
    ),
}
"""Context -> literal replacements, to be made in this order."""

_CONTEXT_OF_SUFFIX = {
    ".toml": "quoted",
    ".yaml": "quoted",
    ".yml": "quoted",
    ".cff": "quoted",
    ".json": "quoted",
    ".md": "markdown",
    ".html": "html",
    ".svg": "html",
    ".xml": "html",
    ".txt": "plain",
}
# GitHub and Compose read `${{ }}` and `$` in these even inside quotes.
_NO_FREE_TEXT = re.compile(r"(^|/)(\.github/.*|(docker-)?compose[^/]*)\.ya?ml$")


def context_of(path: str) -> str | None:
    """Return how free text is escaped in a file, or None where it has no safe place."""
    name = path.rpartition("/")[2]
    if name == "LICENSE":
        return "plain"
    if _NO_FREE_TEXT.search(path):
        return None
    dot = name.rfind(".")
    return _CONTEXT_OF_SUFFIX.get(name[dot:]) if dot >= 0 else None


def escape(value: str, context: str) -> str:
    """Return ``value`` so that it stands for itself in ``context``."""
    for old, new in ESCAPES[context]:
        value = value.replace(old, new)
    return value


def token_values(values: Mapping[str, str], context: str | None) -> dict[str, str]:
    """Return what takes each token's place in a file of the given context."""
    return {
        token: escape(values[key], context) if context and key in FREE_TEXT else values[key]
        for token, key in TOKENS.items()
        if context or key not in FREE_TEXT
    }


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must hold or, where ``refuses``, must not hold: a pattern searched for in it."""

    pattern: str
    complaint: str
    refuses: bool = False

    def broken_by(self, value: str) -> bool:
        """Say whether ``value`` breaks the rule."""
        return bool(re.search(self.pattern, value)) is self.refuses


MAX_NAME = 40
MAX_TEXT = 120
MAX_EMAIL = 120

# Control, invisible, bidirectional-override and unpaired characters, tags, and what YAML excludes.
_UNSAFE = (
    "[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL = rf"^[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@(?:{_LABEL}\.)+[A-Za-z]{{2,}}$"


def _at_most(length: int) -> Rule:
    return Rule(rf"(?s)^.{{{length + 1}}}", f"is longer than {length} characters", refuses=True)


_ONE_LINE = Rule(r"[\r\n]", "must be one line", refuses=True)
TEXT_RULES = (
    Rule(_UNSAFE, "holds a line break, or a control or invisible character", refuses=True),
    Rule(r"^\s|\s$|  ", "has white space at an end or twice in a row", refuses=True),
    Rule(r"[^\W\d_]", "needs at least one letter"),
    Rule(
        "|".join(map(re.escape, DELIMITERS.values())),
        f"must not hold any of {' '.join(DELIMITERS.values())}",
        refuses=True,
    ),
    _at_most(MAX_TEXT),
)
PROJECT_NAME_RULES = (
    _ONE_LINE,
    Rule(
        "^[a-z](?:-?[a-z0-9])*$",
        "must be lower-case letters, digits and single hyphens, and begin with a letter",
    ),
    _at_most(MAX_NAME),
)
PACKAGE_NAME_RULES = (
    _ONE_LINE,
    Rule(
        "^[a-z](?:_?[a-z0-9])*$",
        "must be lower-case letters, digits and single underscores, and begin with a letter",
    ),
    _at_most(MAX_NAME),
)
EMAIL_RULES = (
    _ONE_LINE,
    _at_most(MAX_EMAIL),
    Rule(_EMAIL, "is not an address such as name@example.org"),
)
OWNER_RULES = (
    _ONE_LINE,
    Rule(
        "^[A-Za-z0-9](?:-?[A-Za-z0-9])*$",
        "must be letters, digits and single hyphens, as in a GitHub account",
    ),
    _at_most(39),
)


def check(key: str, value: str, rules: tuple[Rule, ...], hint: str = "") -> None:
    """Raise a one-line error for the first rule that ``value`` breaks."""
    for rule in rules:
        if rule.broken_by(value):
            raise ScaffoldError(f"{key} {shown(value)} {rule.complaint}", hint)


def shown(value: str) -> str:
    """Return a value for a message: in quotes, short, with nothing that a terminal would obey."""
    short = value if len(value) <= MAX_NAME else value[: MAX_NAME - 1] + "…"
    visible = "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in short
    )
    return f"'{visible}'"
