"""Templates that aren't in the package: `--from`, exports as sources, and `check-template`."""

import shutil

import pytest
from lifecycle_world import FILES, IDENTITY, NAME, world, write

from scaffold import release
from scaffold.tree import read_tree

__all__ = ["world"]


def data():
    return [f"--data={key}={value}" for key, value in IDENTITY.items()]


def elsewhere(world, name="churn", version="1.0.0", **files):
    folder = world.root / "ours" / name
    shutil.rmtree(folder, ignore_errors=True)
    write(folder, FILES | files, {"tools/run"})
    meta = f'summary = "Churn"\nversion = "{version}"\nhighlights = ["churn"]\n'
    (folder / "template.toml").write_text(meta)
    return folder


def new_from(world, *words, home, code=0):
    words = ["new", "--from", home, *words, "--defaults", "--no-lock"]
    return world.run(*words, *data(), code=code)


@pytest.mark.parametrize("named", [True, False])
def test_a_living_template_of_ones_own(world, named):
    folder = elsewhere(world)
    home, words = (folder.parent, ["churn"]) if named else (folder, [])
    new_from(world, *words, world.project, home=home)
    assert world.read("README.md").startswith("# My App\n")
    assert world.run("status", world.project, "--from", home, "--json", code=0).doc["version"]


def test_its_projects_are_updated_from_its_own_history(world):
    folder = elsewhere(world)
    home = folder.parent
    assert release.main(["--from", str(home)]) == 0
    new_from(world, "churn", world.project, home=home)
    world.edit("README.md", "# My App", "# My own App")
    world.commit()
    elsewhere(world, version="1.1.0", **{"docs/x.md": "`portfolio-project`\n"})
    assert world.run("status", world.project, "--from", home, "--json", code=1).doc["behind"]
    world.update("--from", home, code=0)
    assert world.read("docs/x.md") == "`my-app`\n"
    assert world.read("README.md").startswith("# My own App")
    assert release.main(["--from", str(home)]) == 0
    elsewhere(world, version="1.1.0", **{"docs/x.md": "changed\n"})
    assert release.main(["--from", str(home)]) == 1
    assert release.main(["--from", str(home), "--check"]) == 1


@pytest.mark.parametrize("layout", ["copier", "cookiecutter", "projects"])
def test_an_export_is_a_source_as_well(world, layout):
    native = world.new()
    export = world.root / "export"
    world.run("export", "--format", layout, "--no-verify", export, code=0)
    world.project.rename(world.root / "native")
    new_from(world, NAME, world.project, home=export)
    made = read_tree(world.project)
    expected = read_tree(world.root / "native")
    record = made.pop(".copier-answers.yml")
    expected_record = expected.pop(".copier-answers.yml")
    assert made == expected
    if layout != "copier":
        assert record == expected_record
    assert world.run("status", world.project, "--json", code=0).doc["counts"]["untouched"]
    assert native


def test_a_source_that_holds_nothing_or_too_much_is_one_line(world):
    result = new_from(world, world.project, home=world.root / "home", code=None)
    assert result.code == 2
    assert "holds no template" in result.err
    elsewhere(world)
    elsewhere(world, name="other")
    result = new_from(world, world.project, home=world.root / "ours", code=None)
    assert result.code == 2
    assert "churn" in result.err
    assert result.err.count("\n") == 1


def test_a_sound_template_is_called_so(world):
    folder = elsewhere(world)
    assert "follows the rules" in world.run("check-template", folder, code=0).out


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("template.toml", 'summary = "x"\n', "has no version"),
        ("template.toml", 'summary = "x"\nversion = "1"\nhighlights = ["x"]\n', "1.2.3"),
        ("a.md", "@{= x =}@\n", "delimits variables"),
        ("a.bin", b"portfolio-project\xff", "isn't UTF-8"),
        ("src/portfolio_project/a.py", '"""Portfolio Project"""\n', "no safe place"),
        ("a.toml", "title = Portfolio Project\n", "outside double quotes"),
        (
            "tests/test_a.py",
            f"from portfolio_project.a_module import {'something_with_a_long_name':>50}\n",
            "longer than 100",
        ),
        ("broken.py", "def portfolio_project(:\n", "can't be parsed"),
        ("pyproject.toml", '[project]\nname = "other"\n', "portfolio-project"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(world, path, content, said):
    folder = elsewhere(world)
    write(folder, {path: content}, set())
    result = world.run("check-template", folder, "--json", code=1)
    messages = [f"{each['path']}: {each['message']}" for each in result.doc["problems"]]
    assert any(said in message for message in messages), messages


def test_several_problems_are_told_at_once(world):
    folder = elsewhere(world)
    write(folder, {"a.toml": "t = Portfolio Project\n", "b.toml": "t = Portfolio Author\n"}, set())
    assert len(world.run("check-template", folder, "--json", code=1).doc["problems"]) == 2
