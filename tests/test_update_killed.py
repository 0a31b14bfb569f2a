"""SIGKILL anywhere in an update: the tree is the old or the new one, or one command restores it."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from lifecycle_world import FILES, snapshot, world

from scaffold import journal

__all__ = ["world"]

KILLER = Path(__file__).with_name("lifecycle_killer.py")
CORE = "src/portfolio_project/core.py"
POINTS = 20
SHARES = 2


def run_killed(world, project, step, *words, by=signal.SIGKILL):
    count = world.root / "count"
    where = [world.root, str(step), count, str(int(by))]
    command = [sys.executable, KILLER, *where, words[0], project, *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done, int(count.read_text()) if count.exists() else 0


def an_update_with_everything(world):
    """Edits, additions, removals, a renamed folder, a mode and three kinds of conflict."""
    world.new()
    world.edit("src/my_app/core.py", "LINE_2 = 2", "LINE_2 = 'mine'")
    world.edit("src/my_app/extra.py", "EXTRA_2 = 2", "EXTRA_2 = 'mine'")
    world.write("src/my_app/own.py", "OWN = 1\n")
    world.write("new.md", "mine\n")
    world.commit()
    world.write("untracked.txt", "mine\n")
    world.publish(
        "0.2.0",
        files={
            CORE: FILES[CORE].replace("LINE_2 = 2", "LINE_2 = 'theirs'"),
            "src/portfolio_project/extra.py": None,
            "new.md": "theirs\n",
            "a/b/c/deep.txt": "deep\n",
            "tests/test_core.py": None,
            "checks/test_core.py": FILES["tests/test_core.py"],
            "Makefile": FILES["Makefile"] + "x:\n",
        },
        executable=set(),
    )


@pytest.mark.parametrize("share", range(SHARES))
def test_an_update_killed_anywhere_is_whole_or_undone(world, share):
    an_update_with_everything(world)
    kill_everywhere(world, share, ["update"], conflicts=3)


@pytest.mark.parametrize("share", range(SHARES))
def test_a_reconfigure_killed_anywhere_is_whole_or_undone(world, share):
    world.new()
    world.write("src/my_app/own.py", "from my_app import core\n")
    world.write("docs/deep/down/my-app.md", "my-app\n")
    world.commit()
    words = ["reconfigure", "--data=project_name=card-watch", "--data=license=Apache-2.0"]
    kill_everywhere(world, share, words, conflicts=0)


def kill_everywhere(world, share, words, conflicts):
    old = snapshot(world.project)
    whole = copy(world, "whole")
    done, steps = run_killed(world, whole, 0, *words)
    assert done.returncode == int(bool(conflicts)), done.stderr
    new = snapshot(whole)
    assert new != old
    outcomes = set()
    for point in range(share, POINTS, SHARES):
        project = copy(world, f"killed-{point}")
        step = 1 + point * (steps - 1) // (POINTS - 1)
        done, _ = run_killed(world, project, step, *words)
        assert done.returncode == -signal.SIGKILL
        outcomes.add(check_recovery(world, project, words, old, new))
    assert "old" in outcomes
    assert outcomes & {"new", "between"}


def check_recovery(world, project, words, old, new):
    found = snapshot(project)
    outcome = "old" if found == old else "new" if found == new else "between"
    if outcome == "between":
        for verb in (["status"], words):
            told = world.run(verb[0], project, *verb[1:], code=1)
            assert f"{words[0]} --abort" in told.out + told.err
    if outcome != "old":
        world.run(words[0], project, "--abort", code=0)
        assert snapshot(project) == old
    if outcome == "between":
        # Nothing is left that would hinder git or the next run, which then comes to its end.
        done, _ = run_killed(world, project, 0, *words)
        assert done.returncode in {0, 1}, done.stderr
        assert snapshot(project) == new
    return outcome


def copy(world, name):
    target = world.root / name
    shutil.copytree(world.project, target, symlinks=True)
    return target


def test_an_abort_killed_anywhere_can_be_run_again(world):
    an_update_with_everything(world)
    old = snapshot(world.project)
    world.update(code=1)
    whole = copy(world, "whole")
    _, steps = run_killed(world, whole, 0, "update", "--abort")
    for point in range(6):
        project = copy(world, f"killed-{point}")
        step = 1 + point * (steps - 1) // 5
        run_killed(world, project, step, "update", "--abort")
        if snapshot(project) != old:
            world.run("update", project, "--abort", code=0)
        assert snapshot(project) == old


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_puts_everything_back_at_once(world, by):
    an_update_with_everything(world)
    old = snapshot(world.project)
    whole = copy(world, "whole")
    _, steps = run_killed(world, whole, 0, "update")
    new = snapshot(whole)
    for point in range(1, 6):
        project = copy(world, f"stopped-{point}")
        done, _ = run_killed(world, project, 1 + point * (steps - 1) // 5, "update", by=by)
        assert done.returncode == 128 + by, done.stderr
        assert done.stderr.count("\n") == 1
        assert snapshot(project) in (old, new)
        assert not (project / ".git" / "index.lock").exists()


def test_an_abort_never_drops_what_was_written_since(world):
    an_update_with_everything(world)
    world.update(code=1)
    world.write("src/my_app/core.py", "settled by hand\n")
    result = world.update("--abort")
    assert result.code == 1
    assert "src/my_app/core.py" in result.err
    assert world.read("src/my_app/core.py") == "settled by hand\n"


def test_a_full_disk_in_the_middle_puts_everything_back(world, monkeypatch):
    an_update_with_everything(world)
    old = snapshot(world.project)
    moved = []

    def move(source, target):
        if len(moved) == 3:
            moved.append(target)
            raise OSError(28, "No space left on device")
        moved.append(target)
        return real(source, target)

    real = journal.move
    monkeypatch.setattr(journal, "move", move)
    result = world.update()
    assert result.code == 1
    assert result.err.count("\n") == 1
    assert "No space left" in result.err
    assert "defect" not in result.err
    monkeypatch.undo()
    assert snapshot(world.project) == old
