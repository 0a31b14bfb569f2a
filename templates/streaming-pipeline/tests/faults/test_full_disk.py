"""A disk that is full under the worker: it stops with a line, and goes on when there is room."""

import os
import subprocess
import sys

from pipeline import contents, current_scorer, faulty_plan, filled_log, run

from portfolio_project import store

BLOCK = 512
"""Bytes, of POSIX's ulimit."""

TABLES = ("predictions", "labels", "dead_letters", "counters")


def work(folder, limit="unlimited"):
    """Run the worker to the log's end; no file of its may grow beyond `limit` blocks."""
    program = f'"{sys.executable}" -m portfolio_project'
    command = f"ulimit -f {limit}; exec {program} stream --until-end --batch=50"
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PORTFOLIO_PROJECT_DATA_DIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_full_disk_under_the_worker_loses_and_doubles_nothing(workspace, tmp_path):
    log = filled_log(workspace / "log.db", faulty_plan())
    expected = run(log, tmp_path / "expected.db", current_scorer(workspace))
    for written in (log, expected):
        written._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = (tmp_path / "expected.db").stat().st_size

    full = work(workspace, limit=size // 2 // BLOCK)
    assert full.returncode == 1
    assert len(full.stderr.strip().splitlines()[-1:]) == 1
    assert (
        full.stderr.strip().splitlines()[-1].endswith("Check the disk and the folder of the data")
    )
    assert "Traceback" not in full.stderr

    results = store.Store(workspace / "stream.db")
    reached = results.position().offset
    assert 0 < reached < log.end()
    for table in ("predictions", "labels", "dead_letters"):
        done = [row for row in contents(expected, table) if row[0] <= reached]
        assert contents(results, table) == done

    assert work(workspace).returncode == 0
    for table in TABLES:
        assert contents(results, table) == contents(expected, table)
