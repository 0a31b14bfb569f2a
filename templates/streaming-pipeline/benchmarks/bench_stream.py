"""What an event costs: CPU time of the stream processor, with features and model, in steady state.

The same events go through three loops in this process, in turns: the floor (read the JSON, count
by card), the embedded log and store without features or model, and the whole runner. Neighbours on
the machine only add to a round, so the least of the rounds counts, and ratios say most.

    python benchmarks/bench_stream.py [--events N] [--rounds N]
"""

import argparse
import gc
import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson

from portfolio_project import (
    broker,
    features,
    generator,
    ingest,
    profiles,
    runner,
    scorer,
    simulator,
    store,
    train,
    worker,
)
from portfolio_project.provenance import Registry, save_report

REPORT = Path("var/reports/stream.json")
BATCH = 500


def floor(log: broker.Log, after: int) -> float:
    """CPU seconds of the least that anybody could do with these events."""
    records = log.read(after, 1_000_000)
    counts: dict[str, int] = {}
    started = time.process_time()
    for record in records:
        card = orjson.loads(record.value).get("card_id", "")
        counts[card] = counts.get(card, 0) + 1
    return time.process_time() - started


def sink(log: broker.Log, after: int, folder: Path) -> float:
    """CPU seconds of reading and storing in transactions of 500, deciding nothing."""
    database = sqlite3.connect(folder / "sink.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("DROP TABLE IF EXISTS out")
    database.execute("CREATE TABLE out (offset INTEGER PRIMARY KEY, value BLOB)")
    started = time.process_time()
    while records := log.read(after, BATCH):
        rows = [(one.offset, orjson.dumps(orjson.loads(one.value))) for one in records]
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO out VALUES (?,?)", rows)
        database.execute("COMMIT")
        after = records[-1].offset
    spent = time.process_time() - started
    database.close()
    return spent


def whole(log: broker.Log, warm: Path, folder: Path, model: scorer.Scorer) -> float:
    """CPU seconds of the runner, from the state that the events before have left."""
    copy = folder / "timed.db"
    for old in folder.glob("timed.db*"):
        old.unlink()
    with sqlite3.connect(warm) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    results = store.Store(copy)
    current = runner.Runner(log, results, lambda: model)
    worker.spare_collector()
    started = time.process_time()
    current.drain(BATCH)
    spent = time.process_time() - started
    gc.unfreeze()
    results.close()
    return spent


def one_score(model: scorer.Scorer, rounds: int = 2_000) -> float:
    """Microseconds of CPU for one row through the model."""
    row = np.ones((1, len(features.FEATURE_NAMES)), dtype=np.float32)
    best = float("inf")
    for _ in range(10):
        started = time.process_time()
        for _ in range(rounds):
            model.score(row)
        best = min(best, time.process_time() - started)
    return best / rounds * 1e6


def trained_model(folder: Path) -> scorer.Scorer:
    """The model of the smallest profile."""
    profile = profiles.PROFILES["tiny"]
    ingest.ingest_world(profile.world, folder / "data")
    registry = Registry(folder / "registry")
    train.train(folder / "data", folder / "models", registry, profile.training)
    model = scorer.load_current(registry)
    assert model is not None
    return model


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = trained_model(folder)
        plan = generator.plan(simulator.simulate(profiles.PROFILES["small"].world))
        log = broker.Log(folder / "log.db")
        before = len(plan) - chosen.events
        log.append(plan.envelopes(0, before))
        results = store.Store(folder / "warm.db")
        runner.Runner(log, results, lambda: model).drain()
        results.close()
        log.append(plan.envelopes(before))
        measured: dict[str, Callable[[], float]] = {
            "floor": lambda: floor(log, before),
            "sink": lambda: sink(log, before, folder),
            "whole": lambda: whole(log, folder / "warm.db", folder, model),
        }
        best = dict.fromkeys(measured, float("inf"))
        for _ in range(chosen.rounds):
            for kind, measure in measured.items():
                best[kind] = min(best[kind], measure() / chosen.events * 1e6)
        score = one_score(model)
    report = {
        "python": platform.python_version(),
        "events": chosen.events,
        "floor_us": best["floor"],
        "sink_us": best["sink"],
        "whole_us": best["whole"],
        "over_floor": best["whole"] / best["floor"],
        "one_score_us": score,
    }
    save_report(REPORT, report)
    print(f"floor, JSON and a counter          {best['floor']:6.1f} us of CPU an event")
    print(f"log and store, nothing decided     {best['sink']:6.1f} us")
    print(f"whole: features, model, all stored {best['whole']:6.1f} us")
    print(f"one score, alone                   {score:6.1f} us")
    print(f"written to {REPORT}")


if __name__ == "__main__":
    main()
