"""Speed and memory over the whole published data set, and on beyond it, to two million payments.

The log is filled first; then the embedded runner takes it from the first entry to the last, with
features, model and store, in this process. Timed: the published payments with their labels.
Weighed: the resident set half way and at the end. The windows of all cards are full by the 39th
day, long before the first look, so from there on it should not grow.

A part of it says as much of speed, and something of memory: `--events 300000` ends there.

    python benchmarks/bench_endurance.py [--events N]
"""

import argparse
import dataclasses
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_stream import trained_model

from portfolio_project import (
    broker,
    generator,
    runner,
    simulator,
    store,
    worker,
)
from portfolio_project.provenance import Registry, save_report
from portfolio_project.scorer import load_current

REPORT = Path("var/reports/endurance.json")
BATCH = 500
EVENTS = 2_000_000
EVENTS_A_DAY = 9_500
"""Fewer than the published world has, so that the days suffice."""
CHUNK = 50_000
MAX_GROWTH = 1.05
MAX_SECONDS = 90.0


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def prepare(folder: Path, count: int) -> None:
    """Train a small model, and put the published world's first `count` events into the log."""
    trained_model(folder)
    days = max(10, count // EVENTS_A_DAY + 1)
    world = dataclasses.replace(simulator.HANDBOOK, days=days)
    plan = generator.plan(simulator.simulate(world))
    log = broker.Log(folder / "log.db")
    for start in range(0, count, CHUNK):
        log.append(plan.envelopes(start, min(start + CHUNK, count)))
    log.close()
    published = plan.position_at(world.start + simulator.HANDBOOK.days * 86_400 - 1)
    (folder / "published").write_text(str(min(count, published)), "utf-8")


def run(folder: Path, count: int, timed: int) -> dict[str, Any]:
    """Process everything; returns what was measured."""
    model = load_current(Registry(folder / "registry"))
    assert model is not None
    log, results = broker.Log(folder / "log.db"), store.Store(folder / "stream.db")
    current = runner.Runner(log, results, lambda: model)
    worker.spare_collector()
    half_way = seconds = spent = 0.0
    wall, cpu = time.perf_counter(), time.process_time()
    while current.run_once(BATCH):
        if not seconds and current.offset >= timed:
            seconds, spent = time.perf_counter() - wall, time.process_time() - cpu
        if not half_way and current.offset >= count // 2:
            half_way = resident_bytes()
    at_the_end = resident_bytes()
    return {
        "events": timed,
        "seconds": seconds,
        "cpu_us": spent / timed * 1e6,
        "per_second": timed / seconds,
        "events_weighed": count,
        "resident_mb_half_way": half_way / 1e6,
        "resident_mb": at_the_end / 1e6,
        "growth": at_the_end / half_way,
        "stored_mb": sum(one.stat().st_size for one in folder.glob("*.db*")) / 1e6,
    }


def main() -> None:
    """Fill in another process, so that the simulation is not weighed; then run and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=EVENTS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        filling = multiprocessing.get_context("spawn").Process(
            target=prepare, args=(folder, chosen.events)
        )
        filling.start()
        filling.join()
        if filling.exitcode:
            sys.exit("the log could not be filled")
        report = run(folder, chosen.events, int((folder / "published").read_text("utf-8")))
    for key, value in report.items():
        print(f"{key:<22}{value:>14,.2f}")
    if chosen.events < EVENTS:
        print(f"a part of it; nothing written to {REPORT}")
        return
    save_report(REPORT, report)
    print(f"written to {REPORT}")
    if report["growth"] > MAX_GROWTH:
        sys.exit("memory grows with the events seen")
    if report["seconds"] > MAX_SECONDS:
        print(f"over {MAX_SECONDS} s: is the machine busy?")


if __name__ == "__main__":
    main()
