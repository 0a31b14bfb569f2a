"""`scaffold reconfigure`: another identity, the user's own files included, and back again."""

import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from lifecycle_world import world

__all__ = ["world"]


def reconfigure(world, *words, code=None, **data):
    given = [f"--data={key}={value}" for key, value in data.items()]
    return world.run("reconfigure", world.project, *given, *words, code=code)


def tree_id(world):
    return world.git("rev-parse", "HEAD^{tree}")


def edited(world):
    world.new()
    world.edit("README.md", "Install `my-app`.", "Install `my-app`; MY_APP_KEY=1 sets the key.")
    world.edit("src/my_app/core.py", "LINE_2 = 2", "from my_app import extra")
    world.write("src/my_app/own.py", "from my_app.core import LINE_1\n\nmy_app_total = LINE_1\n")
    world.write("tests/test_own.py", "import my_app.own as own\n\nassert own.my_app_total == 1\n")
    world.write("data.bin", b"\0my_app\xff")
    world.write("windows.txt", b"my-app\r\nmy_app\r\n")
    (world.project / "link").symlink_to("src/my_app")
    world.commit()


def test_the_users_files_and_imports_move_along(world):
    edited(world)
    reconfigure(world, project_name="card-watch", code=0)
    assert not (world.project / "src/my_app").exists()
    assert world.read("src/card_watch/own.py") == (
        "from card_watch.core import LINE_1\n\ncard_watch_total = LINE_1\n"
    )
    assert "# Card Watch" in world.read("README.md")
    assert "Install `card-watch`; CARD_WATCH_KEY=1 sets the key." in world.read("README.md")
    assert 'project_name: "card-watch"' in world.read(".copier-answers.yml")
    assert (world.project / "data.bin").read_bytes() == b"\0my_app\xff"
    assert (world.project / "windows.txt").read_bytes() == b"card-watch\r\ncard_watch\r\n"
    world.commit()
    assert world.run("status", world.project, "--json", code=0).doc["counts"]["edited"] == 2


def test_there_and_back_is_the_same_tree(world):
    edited(world)
    before = tree_id(world)
    there = {
        "project_name": "fraud-eye-2",
        "title": 'Fraud "Eye" & more',
        "author_name": "Zoë",
        "license": "Apache-2.0",
    }
    reconfigure(world, code=0, **there)
    world.commit()
    assert tree_id(world) != before
    back = {
        "project_name": "my-app",
        "title": "My App",
        "author_name": "Ada Lovelace",
        "license": "MIT",
    }
    reconfigure(world, code=0, **back)
    world.commit()
    assert tree_id(world) == before


def test_a_clone_becomes_mine_in_one_command(world, tmp_path):
    edited(world)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", world.project, clone], check=True)
    data = ["project_name=my-own", "author_name=Me", "author_email=me@example.org", "owner=me"]
    result = world.run("reconfigure", clone, *[f"--data={each}" for each in data], "--json", code=0)
    assert result.doc["answers"]["package_name"] == {"from": "my_app", "to": "my_own"}
    assert not result.doc["conflicts"]
    assert (clone / "src/my_own/own.py").is_file()
    left = ["git", "-C", clone, "grep", "-lIi", "my.app"]
    assert subprocess.run(left, capture_output=True, check=False).stdout == b""


def test_nothing_to_change_changes_nothing(world):
    edited(world)
    before = world.state()
    assert "as it was" in reconfigure(world, author_name="Ada Lovelace", code=0).out
    assert world.state() == before


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"project_name": "Not Valid"}, "must be lower-case"),
        ({"package_name": "class"}, "class"),
        ({"nope": "x"}, "which isn't asked"),
        ({"license": "GPL"}, "isn't offered"),
    ],
)
def test_bad_answers_are_one_line(world, data, said):
    edited(world)
    before = world.state()
    result = reconfigure(world, **data)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1
    assert world.state() == before


def test_a_name_that_the_user_uses_for_something_else_is_refused(world):
    edited(world)
    world.write("notes.md", "compare with other-app, please\n")
    world.commit()
    before = world.state()
    result = reconfigure(world, project_name="other-app")
    assert result.code == 2
    assert "notes.md:1" in result.err
    assert world.state() == before
    reconfigure(world, "--one-way", project_name="other-app", code=0)


def test_a_package_folder_that_is_there_already_is_refused(world):
    edited(world)
    world.write("src/other_app/core.py", "mine\n")
    world.commit()
    result = reconfigure(world, project_name="other-app")
    assert result.code == 2
    assert "there already" in result.err


def test_a_name_that_is_an_ordinary_word_is_replaced_in_code_only(world):
    world.publish("0.1.1", files={"Makefile": "demo:\n\tpython -m portfolio_project demo\n"})
    world.new(project_name="demo", package_name="demo", title="Demo")
    world.write("src/demo/own.py", "from demo.core import LINE_1\n\ndemo = LINE_1\n")
    world.write("notes.md", "Run make demo.\n")
    world.commit()
    before = tree_id(world)
    result = reconfigure(world, "--json", project_name="card-watch", code=0)
    assert world.read("Makefile") == "demo:\n\tpython -m card_watch demo\n"
    own = world.read("src/card_watch/own.py")
    assert own == "from card_watch.core import LINE_1\n\ndemo = LINE_1\n"
    assert world.read("notes.md") == "Run make demo.\n"
    assert "notes.md:1" in " ".join(result.doc["notes"])
    world.commit()
    reconfigure(world, project_name="demo", code=0)
    world.commit()
    assert tree_id(world) == before


def test_an_edited_licence_conflicts_with_another_one(world):
    edited(world)
    world.edit("LICENSE", "Permission is hereby granted", "Permission is kindly granted")
    world.commit()
    result = reconfigure(world, "--json", license="Apache-2.0", code=1)
    assert [each["paths"] for each in result.doc["conflicts"]] == [["LICENSE"]]
    assert "kindly" in world.read("LICENSE")


def test_abort_puts_the_old_name_back(world):
    edited(world)
    before = world.state()
    reconfigure(world, project_name="card-watch", code=0)
    reconfigure(world, "--abort", code=0)
    assert world.state() == before
    assert not (world.project / "src/card_watch").exists()


def test_a_dry_run_writes_nothing(world):
    edited(world)
    before = world.state()
    result = reconfigure(world, "--dry-run", project_name="card-watch", code=0)
    assert "rename to src/card_watch/core.py" in result.out
    assert "+card_watch_total = LINE_1" in result.out
    assert world.state() == before


def test_update_after_reconfigure_uses_the_new_answers(world):
    edited(world)
    reconfigure(world, project_name="card-watch", code=0)
    world.commit()
    world.publish("0.2.0", files={"docs/x.md": "`portfolio-project`\n"})
    world.update(code=0)
    assert world.read("docs/x.md") == "`card-watch`\n"
    shutil.rmtree(world.project)


def test_at_a_terminal_it_asks_and_keeps_what_is_in_brackets(world):
    edited(world)
    driver = Path(__file__).parents[1] / "benchmarks" / "scaffold_at.py"
    words = [str(driver), str(world.templates), str(world.bundle), "reconfigure"]
    child = pexpect.spawn(
        sys.executable, [*words, str(world.project)], encoding="utf-8", timeout=60
    )
    child.expect(r"\[.*my-app.*\]: ")
    child.sendline("card-watch")
    child.expect(r"\[.*card_watch.*\]: ")
    child.sendline("")
    child.expect(r"\[.*Card Watch.*\]: ")
    for _ in range(6):
        child.sendline("")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    record = world.read(".copier-answers.yml")
    assert 'project_name: "card-watch"' in record
    assert 'author_name: "Ada Lovelace"' in record
