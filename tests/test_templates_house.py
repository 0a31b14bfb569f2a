"""The house rules that keep living templates one house: links, seeds, tokens."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.compile import compile_template
from scaffold.identity import FREE_TEXT, MAX_NAME, TOKENS
from scaffold.seed import drift
from scaffold.template import read_living

TEMPLATES = Path(__file__).parents[1] / "templates"
SHARED = TEMPLATES / "shared"
LIVING = sorted(path.parent for path in TEMPLATES.glob("*/template.toml"))
RUFF = Path(sys.executable).with_name("ruff")
# Git refuses these as links, so each template has its own, all the same.
EQUAL_FILES = (".gitattributes", ".gitignore")
# A module here is taken by the families that need it; everything else that is shared, by each.
TAKEN_AS_NEEDED = (Path("src/portfolio_project"), Path("tests"))
NAMES = re.compile("portfolio.project", re.IGNORECASE)
COLUMNS = 100
FREE_TEXT_TOKENS = [token for token, key in TOKENS.items() if key in FREE_TEXT]

each_template = pytest.mark.parametrize("template", LIVING, ids=lambda path: path.name)


def committed(folder):
    """Return the paths, relative to `folder`, of what git holds or would take there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.split("\0") if path and os.path.lexists(folder / path)]


def links(template):
    paths = (template / path for path in committed(template))
    return [path for path in paths if path.is_symlink()]


def compiled(template):
    return compile_template(read_living(template))


def test_there_is_a_template_to_look_at():
    assert LIVING


@each_template
def test_every_shared_file_is_linked_not_copied_or_forgotten(template):
    astray = [
        path
        for path in committed(SHARED)
        if (template / path).resolve() != (SHARED / path).resolve()
        and (os.path.lexists(template / path) or Path(path).parent not in TAKEN_AS_NEEDED)
    ]

    assert astray == [], "link these into the template, from templates/shared/"


def test_a_shared_module_serves_more_than_one_family():
    families = [path.parent for path in TEMPLATES.glob("*/template.toml*")]  # unlisted ones too
    alone = [
        path
        for path in committed(SHARED)
        if Path(path).parent in TAKEN_AS_NEEDED
        and sum((template / path).resolve() == SHARED / path for template in families) < 2
    ]

    assert alone == [], "a module that one family needs belongs to that family"


@each_template
def test_links_are_relative_whole_and_inside_templates(template):
    wrong = [
        f"{link.relative_to(template)} -> {link.readlink()}"
        for link in links(template)
        if link.readlink().is_absolute()
        or not link.exists()
        or not link.resolve().is_relative_to(TEMPLATES)
    ]

    assert wrong == []


@each_template
def test_what_git_will_not_have_as_a_link_is_the_same_in_every_template(template):
    for name in EQUAL_FILES:
        own = template / name
        assert not own.is_symlink(), f"git refuses {name} as a link"
        assert own.read_bytes() == (LIVING[0] / name).read_bytes(), f"{name} differs"


@each_template
def test_the_lock_is_a_seed_in_step_with_its_project(template):
    assert drift(template) == []


@each_template
def test_a_template_compiles_to_one_folder_of_plain_files(template):
    tree = compiled(template)

    assert {"Makefile", "pyproject.toml", "uv.lock", "requirements.lock"} <= tree.keys()
    assert "template.toml" not in tree


@each_template
def test_free_text_stands_in_no_code(template):
    found = [
        f"{path}: {token}"
        for path, file in compiled(template).items()
        if path.endswith((".py", ".sh", ".js")) or Path(path).name in {"Makefile", "Dockerfile"}
        for token in FREE_TEXT_TOKENS
        if token.encode() in file.data
    ]

    assert found == []


@each_template
def test_code_leaves_room_for_the_longest_name(template):
    longest = "n" * MAX_NAME
    too_wide = [
        f"{path}:{number}: {len(NAMES.sub(longest, line))} columns"
        for path, file in compiled(template).items()
        if path.endswith(".py")
        for number, line in enumerate(file.data.decode().splitlines(), 1)
        if NAMES.search(line) and len(NAMES.sub(longest, line)) > COLUMNS
    ]

    assert too_wide == []


@each_template
@pytest.mark.parametrize("name", ["a", "zz9", "n" * MAX_NAME])
def test_a_name_of_any_length_leaves_the_code_formatted_and_sorted(template, tmp_path, name):
    for path, file in compiled(template).items():
        if not path.endswith((".py", ".toml")):
            continue
        target = tmp_path / path.replace("portfolio_project", name)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = file.data.decode()
        text = text.replace("portfolio_project", name).replace("PORTFOLIO_PROJECT", name.upper())
        target.write_text(text)

    for command in (["format", "--check"], ["check", "--select=I,E501"]):
        done = subprocess.run(
            [RUFF, *command, "--no-cache", "--output-format=concise", "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
