"""The compiled tree as a Copier and as a Cookiecutter template, from the same definitions.

Free text is escaped by hidden, derived variables (``title_markdown``...), so that the files
themselves hold nothing but variables. Neither flavour needs trust, an extension or a hook.
"""

from __future__ import annotations

import glob
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scaffold.answers import AUTHOR_EMAIL, AUTHOR_NAME, LICENSES, OWNER, QUESTIONS, taken
from scaffold.compile import ANSWERS_FILE, LICENSE_FILE
from scaffold.identity import (
    DELIMITERS,
    ESCAPES,
    FREE_TEXT,
    TOKEN_BYTES_PATTERN,
    TOKEN_PATTERN,
    TOKENS,
    context_of,
)
from scaffold.render import license_file
from scaffold.tree import File, Tree, sorted_tree

if TYPE_CHECKING:
    from scaffold.answers import Question
    from scaffold.identity import Rule
    from scaffold.template import Template

_OPEN, _CLOSE = DELIMITERS["variable_start_string"], DELIMITERS["variable_end_string"]
_BEGIN, _END = DELIMITERS["block_start_string"], DELIMITERS["block_end_string"]
_SUFFIXES = (".jinja", ".copier", ".template")
_NOTE = "Made by scaffold; change the living template, not this file."


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine calls the questions' answers and our derived variables."""

    answer: str
    derived: str

    def variable(self, key: str, context: str | None) -> str:
        """Return the Jinja name of what takes a token's place in a file of the context."""
        if key == "env_prefix":
            return self.derived.format(key)
        if key in FREE_TEXT and context and ESCAPES[context]:
            return self.derived.format(f"{key}_{context}")
        return self.answer.format(key)


COPIER = Dialect(answer="{}", derived="{}")
COOKIECUTTER = Dialect(answer="cookiecutter.{}", derived="cookiecutter.__{}")


def to_copier(tree: Tree, template: Template) -> Tree:
    """Return a Copier template: ``copier.yml``, and the project below ``template/``.

    Only files that hold a variable have the template suffix; Copier copies the others.
    """
    import yaml

    suffix = _free_suffix(tree)
    files: dict[str, File] = {}
    for path, file in _licensed(tree, COPIER).items():
        ending = suffix if _is_rendered(path, file) else ""
        files[f"template/{_jinja_path(path, COPIER)}{ending}"] = _jinja_file(path, file, COPIER)
    questions = yaml.safe_dump(
        _copier_questions(template, suffix), sort_keys=False, allow_unicode=True, width=4096
    )
    files["copier.yml"] = File(f"# {_NOTE}\n{questions}".encode())
    return sorted_tree(files)


def to_cookiecutter(tree: Tree, template: Template) -> Tree:
    """Return a Cookiecutter template: ``cookiecutter.json``, and the project below its name."""
    top = f"{_OPEN} {COOKIECUTTER.answer.format('project_name')} {_CLOSE}"
    files: dict[str, File] = {}
    copied: list[str] = []
    for path, file in _licensed(tree, COOKIECUTTER).items():
        new_path = _jinja_path(path, COOKIECUTTER)
        files[f"{top}/{new_path}"] = _jinja_file(path, file, COOKIECUTTER)
        if not _is_rendered(path, file):
            copied.append(glob.escape(new_path))
    questions = json.dumps(_cookiecutter_questions(template, copied), indent=2, ensure_ascii=False)
    files["cookiecutter.json"] = File(f"{questions}\n".encode())
    return sorted_tree(files)


def _licensed(tree: Tree, dialect: Dialect) -> Tree:
    """Return the tree with one LICENSE that holds all licences, of which the answer picks one."""
    choice = dialect.answer.format("license")
    parts: list[str] = []
    for number, spdx in enumerate(LICENSES.values()):
        word = "elif" if number else "if"
        text = license_file(spdx).data.decode()
        parts.append(f'{_BEGIN} {word} {choice} == "{spdx}" {_END}{text}')
    parts.append(f"{_BEGIN} endif {_END}")
    return {**tree, LICENSE_FILE: File("".join(parts).encode())}


def _is_rendered(path: str, file: File) -> bool:
    return path == LICENSE_FILE or bool(TOKEN_BYTES_PATTERN.search(file.data))


def _jinja_path(path: str, dialect: Dialect) -> str:
    return TOKEN_PATTERN.sub(
        lambda match: f"{_OPEN} {dialect.variable(TOKENS[match[0]], None)} {_CLOSE}", path
    )


def _jinja_file(path: str, file: File, dialect: Dialect) -> File:
    context = context_of(path)
    if not TOKEN_BYTES_PATTERN.search(file.data):
        return file

    def variable(token: str) -> str:
        return f"{_OPEN} {dialect.variable(TOKENS[token], context)} {_CLOSE}"

    text = TOKEN_PATTERN.sub(lambda match: variable(match[0]), file.data.decode())
    return File(text.encode(), file.executable)


def _free_suffix(tree: Tree) -> str:
    for suffix in _SUFFIXES:
        if not any(path.endswith(suffix) for path in tree):
            return suffix
    raise AssertionError(_SUFFIXES)


def _defaults(template: Template, dialect: Dialect) -> dict[str, str]:
    """Return each question's default as Jinja, equal in effect to ours outside git."""
    name = dialect.answer.format("project_name")
    return {
        "project_name": template.name,
        "package_name": f'{_OPEN} {name} | replace("-", "_") {_CLOSE}',
        "title": f'{_OPEN} {name} | replace("-", " ") | title {_CLOSE}',
        "description": template.summary,
        "author_name": AUTHOR_NAME,
        "author_email": AUTHOR_EMAIL,
        "owner": OWNER,
        "license": next(iter(LICENSES.values())),
    }


def _derived(dialect: Dialect) -> dict[str, str]:
    """Return the hidden variables: name -> Jinja expression."""
    package = dialect.answer.format("package_name")
    found = {"env_prefix": f"{package} | upper"}
    for key in sorted(FREE_TEXT):
        for context, pairs in ESCAPES.items():
            if pairs:
                chain = "".join(f" | replace({_literal(a)}, {_literal(b)})" for a, b in pairs)
                found[f"{key}_{context}"] = dialect.answer.format(key) + chain
    return {name: f"{_OPEN} {expression} {_CLOSE}" for name, expression in found.items()}


def _literal(text: str) -> str:
    """Return a Jinja string literal in ASCII."""
    return '"' + text.encode("unicode_escape").decode().replace('"', '\\"') + '"'


def _copier_questions(template: Template, suffix: str) -> dict[str, Any]:
    defaults = _defaults(template, COPIER)
    settings: dict[str, Any] = {
        "_min_copier_version": "9.19.0",
        "_subdirectory": "template",
        "_templates_suffix": suffix,
        "_envops": dict(DELIMITERS),
        "_answers_file": ANSWERS_FILE,
        "_exclude": [],
    }
    for question in QUESTIONS:
        entry = {"type": "str", "help": question.help, "default": defaults[question.key]}
        if question.choices:
            settings[question.key] = {**entry, "choices": dict(LICENSES)}
        else:
            settings[question.key] = {**entry, "validator": _validator(question, template)}
    for name, expression in _derived(COPIER).items():
        settings[name] = {"type": "str", "when": False, "default": expression}
    return settings


def _validator(question: Question, template: Template) -> str:
    """Return a Jinja text that renders to the first broken rule's complaint, or to nothing."""
    tests = [(_broken(rule, question.key), rule.complaint) for rule in question.rules]
    names = sorted(taken(question.key, template))
    if names:
        listed = ", ".join(map(_literal, names))
        tests.append((f"{question.key} in [{listed}]", "is taken already; choose another name"))
    branches = [
        f"{_BEGIN} {'elif' if number else 'if'} {test} {_END}{question.key} {_safe(complaint)}"
        for number, (test, complaint) in enumerate(tests)
    ]
    return "".join([*branches, f"{_BEGIN} endif {_END}"])


def _broken(rule: Rule, key: str) -> str:
    found = "is not none" if rule.refuses else "is none"
    return f"({key} | regex_search({_literal(rule.pattern)})) {found}"


def _safe(complaint: str) -> str:
    """Return a complaint that may itself name the delimiters, as a Jinja expression."""
    if not any(delimiter in complaint for delimiter in DELIMITERS.values()):
        return complaint
    return "must not hold the delimiters of a template"


def _cookiecutter_questions(template: Template, copied: list[str]) -> dict[str, Any]:
    questions: dict[str, Any] = _defaults(template, COOKIECUTTER)
    questions["license"] = list(LICENSES.values())
    for name, expression in _derived(COOKIECUTTER).items():
        questions[f"__{name}"] = expression
    labels = {spdx: label for label, spdx in LICENSES.items()}
    prompts: dict[str, Any] = {question.key: question.help for question in QUESTIONS}
    prompts["license"] = {"__prompt__": prompts["license"], **labels}
    return {
        **questions,
        "__prompts__": prompts,
        "_jinja2_env_vars": dict(DELIMITERS),
        "_copy_without_render": copied,
    }
