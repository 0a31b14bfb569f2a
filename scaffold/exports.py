"""All templates as one repository that plain Copier or plain Cookiecutter understands.

Each released version is a commit with the version as its tag, so that ``copier update`` works.
The commits depend on nothing but the trees: two people who export get the same ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from scaffold import history
from scaffold.compile import ANSWERS_FILE
from scaffold.errors import ScaffoldError
from scaffold.flavours import to_cookiecutter, to_copier
from scaffold.identity import DELIMITERS
from scaffold.library import tree_of
from scaffold.objects import Commit, quarantine, tree_at, write_commits
from scaffold.plumbing import Git
from scaffold.record import origin_of
from scaffold.tree import File, Tree, sorted_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from scaffold.template import Template

_OPEN, _CLOSE = DELIMITERS["variable_start_string"], DELIMITERS["variable_end_string"]
_BEGIN, _END = DELIMITERS["block_start_string"], DELIMITERS["block_end_string"]
_QUESTION = "template"

_ABOUT = """\
# Project templates

Made by `scaffold export`; each version is a tag. Change the living templates, not these files.

{use}

| template | what it makes |
| --- | --- |
{rows}
"""
_USE_COPIER = """\
    copier copy --data template={name} THIS-REPOSITORY my-project
    copier update          # later, inside the project

A project that `scaffold new` made follows this repository once `_src_path` in its
`.copier-answers.yml` names it."""
_USE_COOKIECUTTER = """\
    cookiecutter THIS-REPOSITORY --directory {name}"""


@dataclass(frozen=True, slots=True)
class Edition:
    """What the templates were at one version: a compiled tree for each."""

    version: str
    trees: Mapping[str, Tree]


def editions(templates: Mapping[str, Template]) -> list[Edition]:
    """Return each version that is released or installed, oldest first.

    Raises:
        ScaffoldError: an installed template differs from its own release.
    """
    known = _released(templates)
    for name, template in templates.items():
        tree = tree_of(template)
        if known.setdefault((name, template.version), tree) != tree:
            tag = origin_of(tree).tag
            message = f"{tag} is released, and the template has changed since"
            raise ScaffoldError(message, "Raise `version` in its template.toml.", 1)
    versions = sorted({version for _, version in known}, key=history.order)
    return [Edition(version, _newest_up_to(version, known)) for version in versions]


def copier_repository(templates: Mapping[str, Template], edition: Edition) -> Tree:
    """Return a repository with one ``copier.yml`` that asks for the template first."""
    import yaml

    files: dict[str, File] = {}
    asked: dict[str, dict[str, Any]] = {}
    for name, tree in edition.trees.items():
        flavour = to_copier(_found_by_copier(tree, edition.version), templates[name])
        asked[name] = yaml.safe_load(flavour.pop("copier.yml").data)
        files |= {f"{name}/{path.split('/', 1)[1]}": file for path, file in flavour.items()}
    questions = yaml.safe_dump(_combined(asked), sort_keys=False, allow_unicode=True, width=4096)
    files["copier.yml"] = File(questions.encode())
    files["README.md"] = _about(templates, edition, _USE_COPIER)
    return sorted_tree(files)


def cookiecutter_repository(templates: Mapping[str, Template], edition: Edition) -> Tree:
    """Return a repository with one folder a template, and a menu of them."""
    files: dict[str, File] = {}
    for name, tree in edition.trees.items():
        flavour = to_cookiecutter(tree, templates[name])
        files |= {f"{name}/{path}": file for path, file in flavour.items()}
    menu = {
        name: {"path": f"./{name}", "title": name, "description": templates[name].summary}
        for name in edition.trees
    }
    files["cookiecutter.json"] = File(
        (json.dumps({"templates": menu}, indent=2, ensure_ascii=False) + "\n").encode()
    )
    files["README.md"] = _about(templates, edition, _USE_COOKIECUTTER)
    return sorted_tree(files)


LAYOUTS: dict[str, Callable[[Mapping[str, Template], Edition], Tree]] = {
    "copier": copier_repository,
    "cookiecutter": cookiecutter_repository,
}


def write_repository(folder: Path, templates: Mapping[str, Template], layout: str) -> list[str]:
    """Make ``folder`` a repository with one tagged commit a version; return the versions."""
    git = Git(folder)
    git("init", "-q", "-b", "main", "--template=", "--object-format=sha1")
    done: list[str] = []
    for number, edition in enumerate(editions(templates)):
        tree = LAYOUTS[layout](templates, edition)
        parent = "refs/heads/main^0" if done else None
        message = f"Version {edition.version}\n"
        write_commits(git, [Commit("main", tree, parent, message, when=number)])
        git("update-ref", f"refs/tags/{edition.version}", "refs/heads/main")
        done.append(edition.version)
    git("reset", "--quiet", "--hard", "main")
    return done


def _released(templates: Mapping[str, Template]) -> dict[tuple[str, str], Tree]:
    tags = [tag for tag in history.releases() if tag.rpartition("/v")[0] in templates]
    if not tags:
        return {}
    with quarantine() as git:
        history.fetch(git)
        trees = {tag: tree_at(git, f"refs/tags/{tag}") for tag in tags}
    return {(tag.rpartition("/v")[0], tag.rpartition("/v")[2]): trees[tag] for tag in tags}


def _newest_up_to(version: str, known: Mapping[tuple[str, str], Tree]) -> dict[str, Tree]:
    found: dict[str, Tree] = {}
    for name, each in sorted(known, key=lambda key: history.order(key[1])):
        if history.order(each) <= history.order(version):
            found[name] = known[name, each]
    return {name: found[name] for name in sorted(found)}


def _found_by_copier(tree: Tree, version: str) -> Tree:
    """Let the record name the repository that Copier was given, and its tag."""
    origin = origin_of(tree)
    asked = f'_copier_answers._commit | default("{version}") | tojson'
    record = tree[ANSWERS_FILE].data.decode()
    for old, new in (
        (f'_commit: "{origin.version}"', f"_commit: {_OPEN} {asked} {_CLOSE}"),
        (
            f'_src_path: "{origin.source}"',
            f"_src_path: {_OPEN} _copier_answers._src_path | tojson {_CLOSE}",
        ),
    ):
        record = record.replace(old, new)
    return {**tree, ANSWERS_FILE: File(record.encode())}


def _combined(asked: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return one set of questions; what differs from template to template is chosen by the first.

    Raises:
        ScaffoldError: the templates don't agree on a setting that Copier has once only.
    """
    first = next(iter(asked.values()))
    settings = {key: value for key, value in first.items() if key.startswith("_")}
    for name, questions in asked.items():
        for key, value in settings.items():
            if questions[key] != value:
                raise ScaffoldError(f"{name} needs another {key} than the others", exit_code=1)
    which = {
        "type": "str",
        "help": "Template",
        "choices": list(asked),
        "default": next(iter(asked)),
    }
    whole = {**settings, "_subdirectory": f"{_OPEN} {_QUESTION} {_CLOSE}", _QUESTION: which}
    for key in first:
        if not key.startswith("_"):
            whole[key] = _chosen({name: questions[key] for name, questions in asked.items()})
    return whole


def _chosen(entries: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    first = next(iter(entries.values()))
    merged: dict[str, Any] = {}
    for field, value in first.items():
        values = {name: entry[field] for name, entry in entries.items()}
        same = all(each == value for each in values.values())
        merged[field] = value if same else _by_template(cast("dict[str, str]", values))
    return merged


def _by_template(values: Mapping[str, str]) -> str:
    parts = [
        f'{_BEGIN} {"elif" if number else "if"} {_QUESTION} == "{name}" {_END}{value}'
        for number, (name, value) in enumerate(values.items())
    ]
    return "".join([*parts, f"{_BEGIN} endif {_END}"])


def _about(templates: Mapping[str, Template], edition: Edition, use: str) -> File:
    rows = "\n".join(f"| {name} | {templates[name].summary} |" for name in edition.trees)
    text = _ABOUT.format(use=use.format(name=next(iter(edition.trees))), rows=rows)
    return File(text.encode())
