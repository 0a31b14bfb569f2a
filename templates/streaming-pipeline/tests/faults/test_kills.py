"""Kill the worker again and again, at moments that it does not choose, and count."""

import os
import random
import signal
import subprocess
import sys
import time

from pipeline import contents, current_scorer, faulty_plan, filled_log, run

from portfolio_project import store

KILLS = 5
BATCH = 4
"""So small that the whole log takes many times as long as all the workers live."""


def start_worker(folder, *arguments):
    environment = {**os.environ, "PORTFOLIO_PROJECT_DATA_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-m", "portfolio_project", "stream", *arguments],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_nothing_is_lost_doubled_or_changed_by_kills(workspace, tmp_path):
    plan = faulty_plan()
    log = filled_log(workspace / "log.db", plan)
    expected = run(log, tmp_path / "expected.db", current_scorer(workspace), batch=BATCH)
    chance = random.Random(5)
    results = store.Store(workspace / "stream.db")
    for _ in range(KILLS):
        before = results.position().offset
        assert before < len(plan), "the last kill came too late"
        worker = start_worker(workspace, f"--batch={BATCH}")
        while results.position().offset == before and worker.poll() is None:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.03)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert 0 < results.position().offset < len(plan), "the kills came too early or too late"
    last = start_worker(workspace, "--until-end")
    assert last.wait(60) == 0
    for table in ("predictions", "labels", "dead_letters", "counters"):
        assert contents(results, table) == contents(expected, table)


def test_a_worker_ends_politely_when_asked(workspace):
    filled_log(workspace / "log.db", faulty_plan())
    worker = start_worker(workspace)
    results = store.Store(workspace / "stream.db")
    while results.position().offset == 0 and worker.poll() is None:
        time.sleep(0.01)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0


def test_a_worker_without_a_model_says_what_to_do(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "portfolio_project", "stream"],
        env={**os.environ, "PORTFOLIO_PROJECT_DATA_DIR": str(tmp_path)},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.strip().endswith("Run the command `train`")
    assert len(done.stderr.splitlines()) == 1
