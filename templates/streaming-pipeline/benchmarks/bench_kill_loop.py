"""Kill the worker over and over while it works, and compare what it left with an undisturbed run.

python benchmarks/bench_kill_loop.py [--kills N] [--events N]
"""

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from portfolio_project import (
    broker,
    generator,
    ingest,
    profiles,
    runner,
    scorer,
    simulator,
    store,
    train,
)
from portfolio_project.provenance import Registry, save_report

REPORT = Path("var/reports/kill-loop.json")
QUERY = "SELECT offset, event_id, score, alert, model_version, features FROM predictions"


def start_worker(folder: Path) -> subprocess.Popen[bytes]:
    """The worker that the demo runs, on the data in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-m", "portfolio_project", "stream", "--until-end", "--batch=50"],
        env={**os.environ, "PORTFOLIO_PROJECT_DATA_DIR": str(folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def rows(path: Path) -> dict[str, tuple[object, ...]]:
    """Predictions by event id. A doubled one could not be stored: the id is unique."""
    with sqlite3.connect(path) as database:
        return {row[1]: row for row in database.execute(QUERY)}


def kill_until_done(folder: Path, kills: int, events: int) -> tuple[int, list[float]]:
    """Let workers begin and die until the log is done; returns kills and recovery times (s)."""
    chance = random.Random(1)
    results = store.Store(folder / "stream.db")
    step = events // (kills + 1)
    recoveries: list[float] = []
    done = 0
    for number in range(kills):
        began = time.monotonic()
        before = results.position().offset
        worker = start_worker(folder)
        while results.position().offset == before and worker.poll() is None:
            time.sleep(0.001)
        recoveries.append(time.monotonic() - began)
        goal = number * step + chance.randrange(step)
        while results.position().offset < goal and worker.poll() is None:
            time.sleep(0.001)
        if worker.poll() is None:
            worker.send_signal(signal.SIGKILL)
            done += 1
        worker.wait()
    if start_worker(folder).wait():
        sys.exit("the last worker failed")
    return done, recoveries


def main() -> None:
    """Run the loop and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--events", type=int, default=200_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = profiles.PROFILES["tiny"]
        ingest.ingest_world(profile.world, folder / "data")
        registry = Registry(folder / "registry")
        train.train(folder / "data", folder / "models", registry, profile.training)
        days = max(40, chosen.events // 1_900 + 2)
        world = simulator.World(1_000, 2_000, days, terminals_hit=1, cards_hit=1)
        plan = generator.plan(simulator.simulate(world), faults=generator.Faults())
        events = min(chosen.events, len(plan))
        log = broker.Log(folder / "log.db")
        log.append(plan.envelopes(0, events))
        model = scorer.load_current(registry)
        assert model is not None
        undisturbed = store.Store(folder / "undisturbed.db")
        runner.Runner(log, undisturbed, lambda: model).drain()
        kills, recoveries = kill_until_done(folder, chosen.kills, events)
        expected, found = rows(folder / "undisturbed.db"), rows(folder / "stream.db")
    report = {
        "events": events,
        "kills": kills,
        "predictions": len(found),
        "missing": len(expected.keys() - found.keys()),
        "unexpected": len(found.keys() - expected.keys()),
        "wrong": sum(expected[key] != found[key] for key in expected.keys() & found.keys()),
        "recovery_median_s": sorted(recoveries)[len(recoveries) // 2],
    }
    save_report(REPORT, report)
    for key, value in report.items():
        print(f"{key:<20}{value:>12}")
    if report["missing"] or report["unexpected"] or report["wrong"]:
        sys.exit("the kills left a mark")


if __name__ == "__main__":
    main()
