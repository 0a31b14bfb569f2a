"""`scaffold export`: repositories that plain Copier and plain Cookiecutter can use."""

import json
import os
import subprocess
import sys

import pytest
from lifecycle_world import FILES, IDENTITY, world, write

from scaffold.tree import read_tree

__all__ = ["world"]


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("COOKIECUTTER_CONFIG", os.devnull)


def engine(module, *words, cwd=None):
    """Run the real program."""
    command = [sys.executable, "-m", module, *map(str, words)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def answers(**more):
    return [f"--data={key}={value}" for key, value in (IDENTITY | more).items()]


def exported(world, layout, name="export"):
    world.run("export", "--format", layout, world.root / name, code=0)
    return world.root / name


def another_template(world):
    folder = world.templates / "other"
    write(folder, {**FILES, "OTHER.md": "# Portfolio Project\n"}, {"tools/run"})
    meta = 'summary = "Another one"\nversion = "0.1.0"\nhighlights = ["other"]\n'
    (folder / "template.toml").write_text(meta)


def git(folder, *words):
    command = ["git", "-C", folder, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_copier_copies_what_scaffold_makes(world):
    another_template(world)
    export = exported(world, "copier")
    made = world.new()
    target = world.root / "copied"
    engine("copier", "copy", "-q", "--defaults", *answers(template="tiny"), export, target)
    copied, native = read_tree(target), read_tree(made)
    record = copied.pop(".copier-answers.yml").data.decode()
    expected = native.pop(".copier-answers.yml").data.decode()
    assert copied == native
    assert record == expected.replace('"scaffold/tiny"', json.dumps(str(export)))
    other = world.root / "other"
    engine("copier", "copy", "-q", "--defaults", "--data=template=other", export, other)
    assert (other / "OTHER.md").is_file()


def test_copier_updates_a_project_that_scaffold_made(world):
    project = world.new()
    world.edit("src/my_app/core.py", "LINE_2 = 2", "LINE_2 = 'mine'")
    world.publish("0.2.0", files={"docs/x.md": "`portfolio-project`\n"})
    export = exported(world, "copier")
    assert git(export, "tag").split() == ["0.1.0", "0.2.0"]
    world.edit(".copier-answers.yml", "scaffold/tiny", str(export))
    world.commit()
    engine("copier", "update", "-q", "--defaults", cwd=project)
    assert world.read("docs/x.md") == "`my-app`\n"
    assert "LINE_2 = 'mine'" in world.read("src/my_app/core.py")
    assert '_commit: "0.2.0"' in world.read(".copier-answers.yml")
    world.commit()
    # And scaffold goes on from there, without taking the project away from Copier.
    world.publish("0.3.0", files={"docs/y.md": "`portfolio-project`\n"})
    world.update(code=0)
    assert world.read("docs/y.md") == "`my-app`\n"
    assert str(export) in world.read(".copier-answers.yml")


def test_cookiecutter_makes_the_same_project(world):
    another_template(world)
    export = exported(world, "cookiecutter")
    made = world.new()
    given = [f"{key}={value}" for key, value in IDENTITY.items()]
    out = world.root / "out"
    engine("cookiecutter", export, "--directory", "tiny", "--no-input", "-o", out, *given)
    assert read_tree(out / "my-app") == read_tree(made)
    assert set(json.loads((export / "cookiecutter.json").read_text())["templates"]) == {
        "other",
        "tiny",
    }


def test_two_exports_are_the_same_commits(world):
    world.publish("0.2.0", files={"docs/x.md": "x\n"})
    one, two = exported(world, "copier", "one"), exported(world, "copier", "two")
    assert git(one, "show-ref") == git(two, "show-ref")
    assert git(one, "status", "--porcelain") == ""


def test_projects_are_ready_to_be_cloned_and_made_mine(world):
    world.run("export", "--format=projects", "--no-verify", world.root / "ready", code=0)
    clone = world.root / "clone"
    git(world.root, "clone", "-q", world.root / "ready/tiny", clone)
    world.run("reconfigure", clone, "--data=project_name=my-own", code=0)
    assert (clone / "src/my_own/core.py").is_file()


def test_a_template_that_differs_from_its_release_is_not_exported(world):
    world.publish("0.1.0", released=False, files={"README.md": "changed\n"})
    result = world.run("export", "--format=copier", world.root / "x")
    assert result.code == 1
    assert "has changed since" in result.err
    assert not (world.root / "x").exists()


def test_a_taken_folder_is_refused(world):
    write(world.root / "x", {"mine.txt": "mine\n"}, set())
    result = world.run("export", "--format=copier", world.root / "x")
    assert result.code == 2
    assert [path.name for path in (world.root / "x").iterdir()] == ["mine.txt"]


GATED = "gate-steps:\n\t@echo works\ngate-works:\n\t@{}\n"


def test_ready_projects_bring_their_evidence(world):
    world.publish("0.2.0", files={"Makefile": GATED.format("test -f pyproject.toml")})
    world.run("export", "--format=projects", world.root / "ready", code=0)
    evidence = git(world.root / "ready/tiny", "show", "HEAD:EVIDENCE.md")
    assert "works" in evidence
    assert git(world.root / "ready/tiny", "status", "--porcelain") == ""


def test_a_project_that_fails_its_gate_is_not_exported(world):
    world.publish("0.2.0", files={"Makefile": GATED.format("false")})
    result = world.run("export", "--format=projects", world.root / "ready")
    assert result.code == 1
    assert "doesn't pass its gate (works)" in result.err
    assert not (world.root / "ready").exists()
