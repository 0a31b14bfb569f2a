"""`scaffold status`: versions, and drift file by file."""

import shutil

from lifecycle_world import FILES, world

__all__ = ["world"]


def kinds(result):
    return {each["path"]: each["kind"] for each in result.doc["files"]}


def test_a_fresh_project_is_up_to_date_and_untouched(world):
    world.new()
    result = world.run("status", world.project, "--json", code=0)
    assert result.doc["version"] == result.doc["installed"] == "0.1.0"
    assert not result.doc["behind"]
    assert result.doc["counts"] == {"untouched": len(FILES) + 2}


def test_behind_leaves_with_1_and_tells_every_kind_of_drift(world):
    world.new()
    world.edit("README.md", "# My App", "# My own app")
    world.edit("Makefile", "test:", "check:")
    (world.project / "tests/test_core.py").unlink()
    (world.project / "src/my_app/extra.py").rename(world.project / "src/my_app/more.py")
    world.write("mine.txt", "not the template's\n")
    world.publish(
        "0.2.0",
        files={
            "Makefile": FILES["Makefile"] + "x:\n",
            "src/portfolio_project/core.py": FILES["src/portfolio_project/core.py"] + "N = 1\n",
            "docs/new.md": "new\n",
        },
    )
    result = world.run("status", world.project, "--json", code=1)
    found = kinds(result)
    assert found["README.md"] == "edited"
    assert found["Makefile"] == "both"
    assert found["tests/test_core.py"] == "deleted"
    assert found["src/my_app/extra.py"] == "renamed"
    assert found["src/my_app/core.py"] == "template"
    assert found["docs/new.md"] == "template"
    assert found["tools/run"] == "untouched"
    assert "mine.txt" not in found
    shown = world.run("status", world.project, code=1).out
    assert "tiny 0.1.0: behind 0.2.0" in shown
    assert "you renamed it to src/my_app/more.py" in shown


def test_a_mode_is_an_edit_and_line_endings_are_none(world):
    world.new()
    (world.project / "tools/run").chmod(0o644)
    crlf = world.read("README.md").replace("\n", "\r\n")
    world.write("README.md", crlf)
    found = kinds(world.run("status", world.project, "--json", code=0))
    assert found["tools/run"] == "edited"
    assert found["README.md"] == "untouched"


def test_without_git_it_still_tells(world):
    world.new()
    shutil.rmtree(world.project / ".git")
    world.edit("README.md", "# My App", "# My own app")
    found = kinds(world.run("status", world.project, "--json", code=0))
    assert found["README.md"] == "edited"


def test_a_folder_that_scaffold_did_not_make(world):
    result = world.run("status", world.root)
    assert result.code == 2
    assert "wasn't made by scaffold" in result.err
    assert result.err.count("\n") == 1


def test_a_broken_record_is_one_line(world):
    world.new()
    for content in ("_commit: [", "_src_path: gh:o/r\n_commit: v1\n", "- a\n", "<<<<<<< a\n"):
        world.write(".copier-answers.yml", content)
        result = world.run("status", world.project)
        assert result.code == 2
        assert result.err.count("\n") == 1
