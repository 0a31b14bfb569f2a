"""A run that is stopped at any moment leaves nothing, or a whole project, and no process."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from trees import entries, installed_copy, user_environment, write_files

from scaffold.tree import read_tree

NEW = ("new", "streaming-pipeline", "project", "--defaults", "--no-lock")
SLOW_GIT = """\
#!/bin/sh
case "$*" in *commit*) sleep 300 & echo $$ $! > "$HOME/started"; wait ;; esac
exec {git} "$@"
"""
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def start(installed, folder, *arguments, **environ):
    (folder / "home").mkdir(exist_ok=True)
    (folder / "work").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "scaffold", *arguments],
        cwd=folder / "work",
        env=user_environment(folder / "home", PYTHONPATH=installed, **environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A background shell may have told us to ignore Ctrl-C; a user's terminal doesn't.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def wait_for(condition, process, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        if process.poll() is not None:
            return


def finish(run):
    """Wait for a run's end and return what it said on stderr."""
    return run.communicate(timeout=60)[1]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return installed_copy(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def whole(installed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    run = start(installed, folder, *NEW, "--no-git")
    said = finish(run)
    assert run.returncode == 0, said
    return read_tree(folder / "work" / "project")


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_stopped_while_git_commits_nothing_is_left_and_no_git_lives_on(installed, tmp_path, number):
    slow = SLOW_GIT.format(git=shutil.which("git"))
    write_files(tmp_path, {"bin/git": (slow, 0o755)})
    marker = tmp_path / "home" / "started"
    run = start(installed, tmp_path, *NEW, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    wait_for(lambda: marker.exists() and marker.read_text().endswith("\n"), run)
    started = [int(pid) for pid in marker.read_text().split()]

    run.send_signal(number)
    run.send_signal(number)  # somebody impatient
    said = finish(run)

    assert run.returncode == CODES[number]
    assert said.splitlines()[-1] == "scaffold: interrupted; nothing half-made was left behind."
    assert "Traceback" not in said
    assert entries(tmp_path / "work") == []
    assert [pid for pid in started if alive(pid)] == []


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_stopped_while_files_are_written_nothing_is_left_or_all_is_there(
    installed, tmp_path, number, whole
):
    chance = random.Random(number)  # noqa: S311 - seeded
    stopped = 0
    for attempt in range(8):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        run = start(installed, folder, *NEW, "--no-git")
        wait_for(lambda work=folder / "work": any(work.iterdir()), run)
        time.sleep(chance.uniform(0, 0.01))
        run.send_signal(number)
        said = finish(run)

        assert "Traceback" not in said
        if run.returncode == 0:
            assert read_tree(folder / "work" / "project") == whole
        else:
            stopped += 1
            # Python hands signals back to the system as it exits: then the project is whole.
            assert run.returncode in {CODES[number], -number}
            left = entries(folder / "work")
            assert left in ([], ["project"])
            assert not left or read_tree(folder / "work" / "project") == whole
    assert stopped > 0


def test_killed_outright_the_destination_is_whole_or_absent_and_the_next_run_cleans_up(
    installed, tmp_path, whole
):
    chance = random.Random(9)  # noqa: S311 - seeded
    work = tmp_path / "work"
    left_hidden = 0
    for _ in range(10):
        run = start(installed, tmp_path, *NEW, "--no-git")
        wait_for(lambda: any(work.iterdir()), run)
        time.sleep(chance.uniform(0, 0.01))
        run.kill()
        finish(run)

        assert not (work / "project").exists() or read_tree(work / "project") == whole
        left_hidden += any(name.startswith(".scaffold-") for name in entries(work))
        shutil.rmtree(work / "project", ignore_errors=True)

        again = start(installed, tmp_path, *NEW, "--no-git")
        said = finish(again)
        assert again.returncode == 0, said
        assert entries(work) == ["project"]
        assert read_tree(work / "project") == whole
        shutil.rmtree(work / "project")
    assert left_hidden > 0


def test_two_runs_for_one_destination_make_one_whole_project(installed, tmp_path, whole):
    runs = [start(installed, tmp_path, *NEW, "--no-git") for _ in range(2)]
    said = [finish(run) for run in runs]

    assert 0 in [run.returncode for run in runs], said
    assert all("Traceback" not in text for text in said)
    assert read_tree(tmp_path / "work" / "project") == whole
    assert entries(tmp_path / "work") == ["project"]
