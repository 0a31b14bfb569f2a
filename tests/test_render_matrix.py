"""Three renderers, one project: scaffold, Copier and Cookiecutter agree in bytes and modes."""

import json

import copier
import pytest
import yaml
from cookiecutter.main import cookiecutter
from trees import SYNTHETIC, living_template

from scaffold.answers import complete
from scaffold.flavours import to_cookiecutter, to_copier
from scaffold.library import tree_of
from scaffold.place import write_tree
from scaffold.render import render
from scaffold.template import available
from scaffold.tree import read_tree

IDENTITIES = {
    "defaults": {},
    "one letter": {"project_name": "q", "license": "Proprietary", "owner": "o"},
    "forty letters": {
        "project_name": "n" * 40,
        "license": "BSD-3-Clause",
        "title": "T" * 120,
        "author_email": "first.last+tag@mail.example.org",
    },
    "Unicode": {
        "project_name": "my-3d-net",
        "title": "Überwachung 数据流 🚀",
        "description": "Größe, naïve — «ñandú»",
        "author_name": "Zoë Ångström-Øst",
        "license": "Apache-2.0",
    },
    "hostile": {
        "project_name": "a-b-c",
        "package_name": "other_name",
        "title": "\"q\" 'a' & \\b \\\\ <script>x</script> {{ 7*7 }} ${{ x }} {% raw %} #}",
        "description": "- 1. item | *b* _u_ `c` ~s~ [l](x) %s $HOME $x$ C:\\new # > + !",
        "author_name": "Portfolio Project portfolio_project A portfolio project.",
    },
}


@pytest.fixture(scope="module", params=["synthetic", *sorted(available())])
def case(request, tmp_path_factory):
    if request.param in available():
        template = available()[request.param]
    else:
        template = living_template(tmp_path_factory.mktemp("matrix"), SYNTHETIC)
    return template, tree_of(template)


@pytest.fixture(params=IDENTITIES.values(), ids=IDENTITIES)
def answers(request, case):
    return complete(case[0], request.param)


def differences(got, expected):
    names = sorted(got.keys() ^ expected.keys())
    return names + [path for path in expected if path in got and got[path] != expected[path]]


def test_copier_makes_the_same_project(case, answers, tmp_path):
    template, tree = case
    write(to_copier(tree, template), tmp_path / "template")

    copier.run_copy(
        str(tmp_path / "template"),
        str(tmp_path / "project"),
        data=answers.recorded(),
        defaults=True,
        quiet=True,
    )

    assert differences(read_tree(tmp_path / "project"), render(tree, answers)) == []


def test_cookiecutter_makes_the_same_project(case, answers, tmp_path):
    template, tree = case
    write(to_cookiecutter(tree, template), tmp_path / "template")

    made = cookiecutter(
        str(tmp_path / "template"),
        no_input=True,
        output_dir=str(tmp_path / "out"),
        extra_context=answers.recorded(),
        config_file=private_config(tmp_path),
    )

    assert made == str(tmp_path / "out" / answers.project_name)
    assert (
        differences(read_tree(tmp_path / "out" / answers.project_name), render(tree, answers)) == []
    )


def test_both_flavours_derive_the_same_defaults_from_a_name(case, tmp_path):
    template, tree = case
    expected = render(tree, complete(template, {"project_name": "my-3d-net"}))
    write(to_copier(tree, template), tmp_path / "copier")
    write(to_cookiecutter(tree, template), tmp_path / "cookie")

    copier.run_copy(
        str(tmp_path / "copier"),
        str(tmp_path / "one"),
        data={"project_name": "my-3d-net"},
        defaults=True,
        quiet=True,
    )
    cookiecutter(
        str(tmp_path / "cookie"),
        no_input=True,
        output_dir=str(tmp_path / "two"),
        extra_context={"project_name": "my-3d-net"},
        config_file=private_config(tmp_path),
    )

    assert differences(read_tree(tmp_path / "one"), expected) == []
    assert differences(read_tree(tmp_path / "two" / "my-3d-net"), expected) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("project_name", "Bad_Name"),
        ("project_name", "scikit-learn"),
        ("package_name", "json"),
        ("package_name", "class"),
        ("title", "two\nlines"),
        ("title", "bidi \u202e text"),
        ("title", "half \ud800 a character"),
        ("title", "x" * 121),
        ("title", "2048"),
        ("author_name", " space"),
        ("author_email", "nobody"),
        ("owner", "a--b"),
        ("license", "GPL"),
    ],
)
def test_copier_refuses_what_we_refuse(tmp_path, key, value):
    template = living_template(tmp_path)
    write(to_copier(tree_of(template), template), tmp_path / "template")

    with pytest.raises((ValueError, copier.errors.CopierError)):
        copier.run_copy(
            str(tmp_path / "template"),
            str(tmp_path / "project"),
            data={key: value},
            defaults=True,
            quiet=True,
        )
    assert not (tmp_path / "project" / "README.md").exists()


def test_flavours_need_no_trust(case):
    template, tree = case
    questions = yaml.safe_load(to_copier(tree, template)["copier.yml"].data)
    cookie = to_cookiecutter(tree, template)

    assert not questions.keys() & {"_tasks", "_migrations", "_jinja_extensions"}
    assert not any(path.startswith("hooks/") for path in cookie)
    assert "_extensions" not in json.loads(cookie["cookiecutter.json"].data)


def write(tree, folder):
    folder.mkdir(parents=True)
    write_tree(tree, folder)


def private_config(tmp_path):
    """Keep Cookiecutter's replays out of the home of whoever runs the tests."""
    config = tmp_path / "cookiecutter.yaml"
    folders = ("replay_dir", "cookiecutters_dir")
    config.write_text(json.dumps({key: str(tmp_path / key) for key in folders}))
    return str(config)
