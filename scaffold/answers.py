"""What the questions ask, and the answers as one value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from scaffold import identity, reserved
from scaffold.errors import ScaffoldError
from scaffold.nearest import nearest

if TYPE_CHECKING:
    from scaffold.identity import Rule
    from scaffold.template import Template

Default = Callable[["Template", Mapping[str, str]], str]

LICENSES = {
    "MIT": "MIT",
    "Apache-2.0": "Apache-2.0",
    "BSD-3-Clause": "BSD-3-Clause",
    "Proprietary": "LicenseRef-Proprietary",
}
"""What people call it -> its SPDX expression, which is what is recorded."""

AUTHOR_NAME = "Your Name"
AUTHOR_EMAIL = "you@example.com"
OWNER = "your-account"


@dataclass(frozen=True, slots=True)
class Answers:
    """A whole, checked identity."""

    project_name: str
    package_name: str
    title: str
    description: str
    author_name: str
    author_email: str
    owner: str
    license: str

    def recorded(self) -> dict[str, str]:
        """Return the answers by the keys of the questions."""
        return asdict(self)

    def values(self) -> dict[str, str]:
        """Return what takes the tokens' places."""
        return {**self.recorded(), "env_prefix": self.package_name.upper()}


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its default grows out of the template and of the answers before it."""

    key: str
    help: str
    rules: tuple[Rule, ...]
    default: Default
    choices: Mapping[str, str] = field(default_factory=dict[str, str])


def _always(value: str) -> Default:
    return lambda _template, _given: value


def _package(_template: Template, given: Mapping[str, str]) -> str:
    return given["project_name"].replace("-", "_")


def _title(_template: Template, given: Mapping[str, str]) -> str:
    return " ".join(map(str.capitalize, given["project_name"].split("-")))


def _name(template: Template, _given: Mapping[str, str]) -> str:
    return template.name


def _summary(template: Template, _given: Mapping[str, str]) -> str:
    return template.summary


QUESTIONS = (
    Question(
        "project_name",
        "Name of the distribution, its folder and its repository",
        identity.PROJECT_NAME_RULES,
        _name,
    ),
    Question("package_name", "Name that Python imports", identity.PACKAGE_NAME_RULES, _package),
    Question("title", "Title, as readers see it", identity.TEXT_RULES, _title),
    Question("description", "What it does, in one line", identity.TEXT_RULES, _summary),
    Question("author_name", "Your name", identity.TEXT_RULES, _always(AUTHOR_NAME)),
    Question("author_email", "Your e-mail address", identity.EMAIL_RULES, _always(AUTHOR_EMAIL)),
    Question("owner", "Account that will own the repository", identity.OWNER_RULES, _always(OWNER)),
    Question("license", "Licence", (), _always("MIT"), choices=LICENSES),
)
KEYS = tuple(question.key for question in QUESTIONS)


def settle(
    question: Question, value: str, template: Template, advice: str = "Try --data {key}={value}."
) -> str:
    """Return a given value in its normal form, checked; ``advice`` words what would do instead.

    Raises:
        ScaffoldError: it can't be used; says why and, for a name, what would do.
    """
    value = unicodedata.normalize("NFC", value.strip())
    if question.choices:
        return _choice(question, value)
    better = _suggestion(question.key, value, template)
    hint = advice.format(key=question.key, value=better) if better else ""
    identity.check(question.key, value, question.rules, hint)
    reason = taken(question.key, template).get(value)
    if reason:
        raise ScaffoldError(f"{question.key} {identity.shown(value)} {reason}", hint)
    return value


def taken(key: str, template: Template) -> dict[str, str]:
    """Return the values that a name can't have in this template, each with the reason."""
    if key == "project_name":
        return reserved.project_names(template.distributions)
    if key == "package_name":
        return reserved.package_names(template.modules)
    return {}


def name_from(text: str) -> str:
    """Return the project name nearest to a folder's name; empty when nothing of it can be used."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub("[^a-z0-9]+", "-", plain).strip("-")
    return re.sub("^[0-9-]+", "", words)[: identity.MAX_NAME].rstrip("-")


def check_keys(given: Mapping[str, str], source: str) -> None:
    """Refuse an answer to a question that isn't asked."""
    for key in given:
        if key not in KEYS:
            near = nearest(key, KEYS)
            hint = f"Did you mean `{near}`?" if near else f"Questions: {', '.join(KEYS)}."
            raise ScaffoldError(f"{source} answers `{key}`, which isn't asked", hint)


def complete(
    template: Template, given: Mapping[str, str], defaults: Mapping[str, str] | None = None
) -> Answers:
    """Return all answers: those given, then ``defaults``, then what follows from the others."""
    settled: dict[str, str] = {}
    for question in QUESTIONS:
        key = question.key
        value = given.get(key)
        if value is None:
            value = (defaults or {}).get(key) or question.default(template, settled)
        settled[key] = settle(question, value, template)
    return Answers(**settled)


def _choice(question: Question, value: str) -> str:
    for label, choice in question.choices.items():
        if value.casefold() in {label.casefold(), choice.casefold()}:
            return choice
    near = nearest(value, question.choices)
    options = ", ".join(question.choices)
    hint = f"Did you mean `{near}`?" if near else f"Choose one of {options}."
    message = f"{question.key} {identity.shown(value)} isn't offered ({options})"
    raise ScaffoldError(message, hint)


def _suggestion(key: str, value: str, template: Template) -> str:
    if key not in {"project_name", "package_name"}:
        return ""
    name = name_from(value) or template.name
    for candidate in (name, f"my-{name}", f"{name}-project"):
        text = candidate if key == "project_name" else candidate.replace("-", "_")
        fits = len(text) <= identity.MAX_NAME
        if fits and text != value and text not in taken(key, template):
            return text
    return ""
