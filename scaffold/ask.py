"""Ask the questions at a terminal, one line each, until every answer can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.answers import QUESTIONS, Answers, settle
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scaffold.answers import Question
    from scaffold.console import Console
    from scaffold.template import Template


def ask(
    template: Template, given: Mapping[str, str], defaults: Mapping[str, str], console: Console
) -> Answers:
    """Return all answers, asking for those that aren't given; Enter takes what is in brackets.

    Raises:
        ScaffoldError: a given answer can't be used, or the terminal was closed.
    """
    settled: dict[str, str] = {}
    if any(question.key not in given for question in QUESTIONS):
        console.say("Enter keeps what is in brackets.")
    for question in QUESTIONS:
        if question.key in given:
            settled[question.key] = settle(question, given[question.key], template)
            continue
        default = defaults.get(question.key) or question.default(template, settled)
        settled[question.key] = _answer(question, default, template, console)
    return Answers(**settled)


def _answer(question: Question, default: str, template: Template, console: Console) -> str:
    options = f" ({', '.join(question.choices)})" if question.choices else ""
    prompt = f"{question.help}{options} [{console.style(default, 'cyan')}]: "
    while True:
        try:
            typed = console.ask(prompt)
        except EOFError:
            raise ScaffoldError(
                "the terminal was closed before all was answered",
                "--defaults and --data KEY=VALUE answer beforehand.",
            ) from None
        try:
            return settle(question, typed.strip() or default, template, "Try {value}.")
        except ScaffoldError as error:
            console.warn(str(error))
