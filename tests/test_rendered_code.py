"""A rendered project's code passes the project's own lint and format rules under any name."""

import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.answers import complete
from scaffold.library import tree_of
from scaffold.place import write_tree
from scaffold.render import render
from scaffold.template import available

RUFF = Path(sys.executable).with_name("ruff")
NAMES = {"one letter": "q", "forty letters": "n" * 40, "sorts first": "a", "sorts last": "zz-top"}


@pytest.fixture(scope="module", params=sorted(available()))
def compiled(request):
    template = available()[request.param]
    return template, tree_of(template)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=lambda each: each[0])
def test_any_name_leaves_the_code_clean(compiled, tmp_path, name, command):
    template, tree = compiled
    title = "<b>\"A\" & 'B' \\ {{ c }}</b>"
    write_tree(render(tree, complete(template, {"project_name": name, "title": title})), tmp_path)

    done = subprocess.run(
        [RUFF, *command, "--no-cache", "--output-format=concise", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
