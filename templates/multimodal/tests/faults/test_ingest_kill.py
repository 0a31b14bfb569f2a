"""Ingestion is killed before each change of the disk, or the disk is full: old data or new, whole.

One process imports the package once and forks a child for each kill point, as the tests of
provenance do; a child kills itself before its n-th change.
"""

import errno
import io
import subprocess
import sys

import pytest
from own_data import good_files, good_rows, write_folder

from portfolio_project import config, ingest
from portfolio_project.data import dataset
from portfolio_project.preprocess import Limits

if sys.platform == "win32":
    pytest.skip("SIGKILL and fork belong to POSIX", allow_module_level=True)

KILL_EVERYWHERE = """
import os, shutil, signal, sys
from pathlib import Path
from portfolio_project import config, ingest
from portfolio_project.preprocess import Limits

scratch = Path(sys.argv[1])
CHANGING = {"mkdir", "rename", "replace", "unlink", "rmdir", "fsync"}
default = config.load_config("default")

def work(folder):
    ingest.ingest_own(str(scratch / "new"), default, folder, Limits())

def work_until(point, folder):
    left = point
    def count(frame, event, argument):
        nonlocal left
        if event == "c_call" and argument.__module__ == "posix" and argument.__name__ in CHANGING:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(count)
    work(folder)
    sys.setprofile(None)

point, killed = 0, True
while killed:
    point += 1
    here = scratch / "killed" / str(point)
    shutil.copytree(scratch / "before", here)
    child = os.fork()
    if child == 0:
        try:
            work_until(point, here / "data")
            os._exit(0)
        finally:
            os._exit(3)
    status = os.waitpid(child, 0)[1]
    killed = os.WIFSIGNALED(status)
    assert killed or status == 0, status
print(point)
"""
DEFAULT = config.load_config("default")


def contents(folder):
    kept = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in kept
        if path.name != "run.volatile.json"
    }


@pytest.fixture
def scratch(tmp_path):
    """Data that were there before, and a folder with others and a bad one to ingest."""
    old = write_folder(tmp_path / "old", good_rows(40)[:30], good_files(30))
    rows = [*good_rows(40), {"image": "none.png", "caption": "none"}]
    write_folder(tmp_path / "new", rows, good_files(40))
    ingest.ingest_own(str(old), DEFAULT, tmp_path / "before" / "data", Limits())
    ingest.ingest_own(str(tmp_path / "new"), DEFAULT, tmp_path / "after" / "data", Limits())
    return tmp_path


@pytest.mark.slow
def test_wherever_it_is_killed_the_data_are_whole_and_the_next_run_is_as_ever(scratch):
    script = [sys.executable, "-c", KILL_EVERYWHERE, str(scratch)]
    ran = subprocess.run(script, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    before, after = (contents(scratch / name / "data") for name in ("before", "after"))
    seen = []
    for number in range(1, int(ran.stdout)):
        folder = scratch / "killed" / str(number)
        there = folder / "data" if (folder / "data").exists() else folder / "data.old"
        found = contents(there)
        assert found in (before, after), number
        seen.append(there.name if found == before else "new")
    assert len(seen) > 10
    assert seen.count("data.old") <= 2
    assert seen[-1] == "new"
    for number in (1, len(seen) // 2, seen.index("data.old") + 1):
        again = scratch / "killed" / str(number)
        ingest.ingest_own(str(scratch / "new"), DEFAULT, again / "data", Limits())
        assert contents(again / "data") == after
        assert {path.name for path in again.iterdir()} <= {"data", "data.lock"}


def test_an_error_brings_data_back_that_a_kill_had_moved_aside(scratch):
    before = contents(scratch / "before" / "data")
    (scratch / "before" / "data").rename(scratch / "before" / "data.old")
    few = write_folder(scratch / "few", good_rows(1), good_files(1))
    with pytest.raises(dataset.DatasetError, match="which leaves the split"):
        ingest.ingest_own(str(few), DEFAULT, scratch / "before" / "data", Limits())
    assert contents(scratch / "before" / "data") == before


@pytest.mark.parametrize("written", [0, 20_000, 400_000])
def test_a_full_disk_leaves_the_old_data(scratch, monkeypatch, written):
    before = contents(scratch / "before" / "data")
    left = written

    class Full(io.BufferedWriter):
        def write(self, data):
            nonlocal left
            left -= len(data)
            if left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    def full_open(self, mode="r", *arguments, **options):
        if mode == "wb" and "data.new" in self.parts:
            return Full(io.FileIO(self, "wb"))
        return io.open(self, mode, *arguments, **options)  # noqa: UP020 - the method is replaced

    monkeypatch.setattr("pathlib.Path.open", full_open)
    with pytest.raises(OSError, match="No space left"):
        ingest.ingest_own(str(scratch / "new"), DEFAULT, scratch / "before" / "data", Limits())
    monkeypatch.undo()
    assert contents(scratch / "before" / "data") == before
    assert {path.name for path in (scratch / "before").iterdir()} == {"data", "data.lock"}
