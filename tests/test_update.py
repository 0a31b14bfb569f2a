"""`scaffold update`: the template's news arrive, and nothing that a user wrote is lost."""

import subprocess

from lifecycle_world import FILES, world

__all__ = ["world"]

CORE = "src/portfolio_project/core.py"
MINE = "src/my_app/core.py"


def newer(world, **files):
    world.publish("0.2.0", files=files["files"])


def test_an_untouched_project_becomes_what_new_makes(world):
    world.new()
    newer(world, files={CORE: FILES[CORE] + "NEW = 1\n", "docs/x.md": "# portfolio-project\n"})
    result = world.update("--json", code=0)
    assert result.doc["from"] == "0.1.0"
    assert result.doc["to"] == "0.2.0"
    assert {each["path"] for each in result.doc["changes"]} == {
        MINE, "docs/x.md", ".copier-answers.yml",
    }  # fmt: skip
    assert world.read("docs/x.md") == "# my-app\n"
    assert world.git("diff", "--name-only") == ""
    world.commit()
    assert world.update("--json", code=0).doc["up_to_date"]


def test_edits_on_both_sides_are_merged(world):
    world.new()
    world.edit(MINE, "LINE_2 = 2", "LINE_2 = 'mine'")
    world.commit()
    newer(world, files={CORE: FILES[CORE].replace("LINE_18 = 18", "LINE_18 = 'theirs'")})
    world.update(code=0)
    assert "LINE_2 = 'mine'" in world.read(MINE)
    assert "LINE_18 = 'theirs'" in world.read(MINE)


def test_an_edit_follows_a_rename_and_a_deletion_is_a_conflict(world):
    world.new()
    world.edit(MINE, "LINE_2 = 2", "LINE_2 = 'mine'")
    world.edit("src/my_app/extra.py", "EXTRA_2 = 2", "EXTRA_2 = 'mine'")
    world.commit()
    newer(
        world,
        files={
            CORE: None,
            "src/portfolio_project/kernel.py": FILES[CORE],
            "src/portfolio_project/extra.py": None,
        },
    )
    result = world.update("--json", code=1)
    assert not (world.project / MINE).exists()
    assert "LINE_2 = 'mine'" in world.read("src/my_app/kernel.py")
    assert [each["kind"] for each in result.doc["conflicts"]] == ["modify/delete"]
    assert "EXTRA_2 = 'mine'" in world.read("src/my_app/extra.py")
    assert "deleted by them" in world.git("status")
    told = world.run("status", world.project, "--json", code=1)
    assert told.doc["unmerged"] == ["src/my_app/extra.py"]
    renamed = {"path": "src/my_app/kernel.py", "change": "renamed", "from": MINE}
    assert renamed in result.doc["changes"]
    again = world.update()
    assert again.code == 1
    assert "conflicts" in again.err
    before = world.git("rev-parse", "HEAD")
    world.update("--abort", code=0)
    assert world.git("status", "--porcelain") == ""
    assert world.git("rev-parse", "HEAD") == before


def test_a_content_conflict_is_an_ordinary_one(world):
    world.new()
    world.edit(MINE, "LINE_2 = 2", "LINE_2 = 'mine'")
    world.commit()
    newer(world, files={CORE: FILES[CORE].replace("LINE_2 = 2", "LINE_2 = 'theirs'")})
    result = world.update("--json", code=1)
    assert result.doc["conflicts"][0]["paths"] == [MINE]
    assert "<<<<<<< yours\nLINE_2 = 'mine'\n=======\nLINE_2 = 'theirs'\n>>>>>>> tiny-0.2.0" in (
        world.read(MINE)
    )
    world.git("checkout", "--ours", MINE)
    assert "LINE_2 = 'mine'\n" in world.read(MINE)
    world.git("checkout", "--theirs", MINE)
    assert "LINE_2 = 'theirs'\n" in world.read(MINE)
    world.git("add", MINE)
    world.git("commit", "-qm", "settled")
    assert world.update("--json", code=0).doc["up_to_date"]


def test_a_dry_run_writes_nothing_and_shows_the_diff(world):
    world.new()
    newer(world, files={CORE: FILES[CORE].replace("LINE_2 = 2", "LINE_2 = 'theirs'")})
    before = world.state()
    objects = world.git("count-objects", "-v")
    result = world.update("--dry-run", code=0)
    assert "+LINE_2 = 'theirs'" in result.out
    assert world.state() == before
    assert world.git("count-objects", "-v") == objects


def test_a_dirty_tree_is_refused(world):
    world.new()
    newer(world, files={CORE: FILES[CORE] + "NEW = 1\n"})
    world.write("README.md", "changed\n")
    result = world.update()
    assert result.code == 2
    assert "uncommitted changes (README.md)" in result.err


def test_untracked_and_ignored_files_are_never_overwritten(world):
    world.new()
    world.write("notes.md", "mine\n")
    world.write("debug.log", "mine too\n")
    newer(world, files={"notes.md": "theirs\n", "debug.log": "x\n", ".gitignore": "/var/\n"})
    before = world.state()
    result = world.update()
    assert result.code == 2
    assert "debug.log, notes.md" in result.err
    assert world.state() == before


def test_a_version_that_is_not_carried_is_named(world):
    world.new()
    world.bundle.unlink()
    world.publish("0.2.0", released=False, files={"README.md": "x\n"})
    result = world.update()
    assert result.code == 2
    assert "doesn't carry tiny 0.1.0" in result.err


def test_crlf_that_the_user_chose_is_kept(world):
    world.new()
    crlf = world.read(MINE).replace("LINE_2 = 2", "LINE_2 = 'mine'").replace("\n", "\r\n")
    world.write(MINE, crlf)
    world.commit()
    newer(world, files={CORE: FILES[CORE].replace("LINE_18 = 18", "LINE_18 = 'theirs'")})
    world.update(code=0)
    data = (world.project / MINE).read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") == 20
    assert b"'mine'" in data
    assert b"'theirs'" in data


def test_a_project_inside_a_bigger_repository(world, tmp_path):
    world.new()
    outer = tmp_path / "outer"
    subprocess.run(["git", "init", "-q", outer], check=True)
    inner = outer / "apps" / "one"
    inner.parent.mkdir()
    subprocess.run(["rm", "-rf", world.project / ".git"], check=True)
    world.project.rename(inner)
    subprocess.run(["git", "-C", outer, "add", "-A"], check=True)
    subprocess.run(["git", "-C", outer, "commit", "-qm", "all"], check=True)
    newer(world, files={CORE: FILES[CORE] + "NEW = 1\n", "docs/a.md": "x\n"})
    world.run("update", inner, code=0)
    assert "NEW = 1" in (inner / MINE).read_text()
    names = ["git", "-C", outer, "diff", "--cached", "--name-only"]
    changed = subprocess.run(names, check=True, capture_output=True, text=True).stdout.split()
    assert set(changed) == {
        f"apps/one/{each}" for each in (MINE, "docs/a.md", ".copier-answers.yml")
    }
    world.run("update", inner, "--abort", code=0)
    status = ["git", "-C", outer, "status", "--porcelain"]
    assert subprocess.run(status, check=True, capture_output=True).stdout == b""
    assert not (inner / "docs").exists()
