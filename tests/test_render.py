"""Rendering: one pass, every file still parses, every value reads back."""

import json
import tomllib
from html.parser import HTMLParser

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from trees import TINY, living_template

from scaffold.answers import LICENSES, complete
from scaffold.compile import ANSWERS_FILE
from scaffold.identity import TEXT_RULES, TOKEN_BYTES_PATTERN
from scaffold.library import tree_of
from scaffold.render import render
from scaffold.template import available

texts = (
    st.text(min_size=1, max_size=80)
    .map(str.strip)
    .filter(lambda text: not any(rule.broken_by(text) for rule in TEXT_RULES))
)
TORTURE = "\"q\" & \\b <script> 'x' {{ }} ${{ x }} %s $ # ` | : - 🚀 Portfolio Project"


@pytest.fixture(scope="module", params=sorted(available()))
def real(request):
    template = available()[request.param]
    return template, tree_of(template)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    template = living_template(tmp_path_factory.mktemp("render"))
    return template, tree_of(template)


def test_every_token_is_replaced_in_paths_and_contents(tiny):
    template, tree = tiny
    answers = complete(template, {"project_name": "card-watch", "title": "Card Watch"})

    project = render(tree, answers)

    assert "src/card_watch/__init__.py" in project
    assert project["src/card_watch/__init__.py"].data == b"PREFIX = 'CARD_WATCH_'\n"
    assert project["run.sh"].data == b"#!/bin/sh\nexec python -m card_watch\n"
    assert project["run.sh"].executable
    left = [path for path, file in project.items() if TOKEN_BYTES_PATTERN.search(file.data)]
    assert left == []


def test_a_value_that_holds_a_token_is_not_replaced_again(tiny):
    template, tree = tiny
    values = {
        "project_name": "x",
        "title": "portfolio-project and Portfolio Author",
        "author_name": "A portfolio project. Portfolio Project",
        "description": "LicenseRef-Portfolio portfolio_project",
    }

    readme = render(tree, complete(template, values))["README.md"].data.decode()

    assert readme == (
        "# portfolio-project and Portfolio Author\n\n"
        "LicenseRef-Portfolio portfolio\\_project\n\n"
        "By A portfolio project. Portfolio Project.\n"
    )


def test_the_tokens_own_values_give_the_living_template_back(tiny):
    template, tree = tiny
    values = {
        "project_name": "portfolio-project",
        "title": "Portfolio Project",
        "description": "A portfolio project.",
        "author_name": "Portfolio Author",
        "author_email": "author@portfolio.example",
    }

    project = render(tree, complete(template, values))

    same = ("README.md", "run.sh", "src/portfolio_project/about.json")
    assert {path: project[path].data for path in same} == {
        path: (TINY[path][0] if isinstance(TINY[path], tuple) else TINY[path]).encode()
        for path in same
    }


@pytest.mark.parametrize("label", LICENSES)
def test_the_chosen_licence_is_named_and_its_text_is_there(tiny, label):
    template, tree = tiny
    answers = complete(template, {"license": label, "author_name": 'Ann "A" <Lee> & Co'})

    project = render(tree, answers)

    assert (
        tomllib.loads(project["pyproject.toml"].data.decode())["project"]["license"]
        == LICENSES[label]
    )
    assert 'Ann "A" <Lee> & Co' in project["LICENSE"].data.decode()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(TORTURE, TORTURE, TORTURE)
@given(title=texts, description=texts, author=texts)
def test_every_file_of_a_real_project_parses_and_says_what_was_given(
    real, title, description, author
):
    template, tree = real
    given_values = {"title": title, "description": description, "author_name": author}

    project = render(tree, complete(template, given_values))

    for path, file in project.items():
        parse(path, file.data)
    metadata = tomllib.loads(project["pyproject.toml"].data.decode())["project"]
    assert metadata["description"] == description
    assert metadata["authors"][0]["name"] == author
    about = json.loads(project[f"src/{template.name.replace('-', '_')}/about.json"].data)
    assert about == {"title": title, "description": description}
    recorded = yaml.safe_load(project[ANSWERS_FILE].data)
    assert {key: recorded[key] for key in given_values} == given_values


def parse(path, data):
    """Parse what has a parser; raises where a value has broken a file."""
    if path.endswith(".toml") or path == "uv.lock":
        tomllib.loads(data.decode())
    elif path.endswith(".json") and "devcontainer" not in path:
        json.loads(data)
    elif path.endswith((".yml", ".yaml")):
        list(yaml.safe_load_all(data))
    elif path.endswith(".py"):
        compile(data, path, "exec")
    elif path.endswith(".html"):
        HTMLParser().feed(data.decode())
    elif path.endswith(".md"):
        data.decode()
