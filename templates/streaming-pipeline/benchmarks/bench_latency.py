"""From event to prediction: events offered at a fixed rate, whether or not the pipeline keeps up.

The worker is the process that the demo runs. This process appends to the log on a schedule and
watches the store; an event's latency runs from the moment when it was due to the moment when its
prediction could be read. It has the producer's wait, the log's sync to disk, the worker's poll, the
commit and the reader's poll in it.

    python benchmarks/bench_latency.py [--rate N] [--seconds N]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from bench_stream import trained_model

from portfolio_project import (
    broker,
    generator,
    profiles,
    simulator,
    view,
)
from portfolio_project.provenance import save_report

REPORT = Path("var/reports/latency.json")
TICK_SECONDS = 0.004
WARM_SECONDS = 3.0


def start_worker(folder: Path) -> subprocess.Popen[bytes]:
    """The worker on the data in `folder`."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "portfolio_project",
            "stream",
            "--follow-parent",
        ],
        env={**os.environ, "PORTFOLIO_PROJECT_DATA_DIR": str(folder)},
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def offer(path: Path, events: list[broker.Envelope], rate: int, began: float) -> None:
    """Append each event when it is due, late ones at once; never wait for the worker."""
    log = broker.Log(path)
    sent = 0
    while sent < len(events):
        due = min(len(events), int((time.perf_counter() - began) * rate))
        if due > sent:
            log.append(events[sent:due])
            sent = due
        time.sleep(TICK_SECONDS)
    log.close()


def watch(path: Path, first: int, count: int) -> dict[int, float]:
    """When each of the offsets behind `first` was seen to be done."""
    reader = view.View(path)
    seen: dict[int, float] = {}
    done = first
    patience = time.perf_counter() + 120
    while done < first + count and time.perf_counter() < patience:
        now_done = reader.counters().offset
        now = time.perf_counter()
        for offset in range(done + 1, now_done + 1):
            seen[offset] = now
        done = now_done
        time.sleep(0.001)
    reader.close()
    return seen


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=30)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained_model(folder)
        count = int((chosen.seconds + WARM_SECONDS) * chosen.rate)
        plan = generator.plan(simulator.simulate(profiles.PROFILES["small"].world))
        before = len(plan) - count
        log = broker.Log(folder / "log.db")
        log.append(plan.envelopes(0, before))
        worker = start_worker(folder)
        watch(folder / "stream.db", 0, before)
        events = list(plan.envelopes(before))
        began = time.perf_counter()
        sender = threading.Thread(
            target=offer, args=(folder / "log.db", events, chosen.rate, began)
        )
        sender.start()
        seen = watch(folder / "stream.db", before, count)
        sender.join()
        worker.terminate()
        worker.wait(20)
    due = {before + 1 + number: began + (number + 1) / chosen.rate for number in range(count)}
    warm = before + int(WARM_SECONDS * chosen.rate)
    waits = np.array([seen[offset] - due[offset] for offset in seen if offset > warm]) * 1e3
    report = {
        "rate": chosen.rate,
        "events": len(waits),
        "lost": count - len(seen),
        "p50_ms": float(np.percentile(waits, 50)),
        "p95_ms": float(np.percentile(waits, 95)),
        "p99_ms": float(np.percentile(waits, 99)),
        "longest_ms": float(waits.max()),
    }
    save_report(REPORT, report)
    for key, value in report.items():
        print(f"{key:<12}{value:>12,.2f}")


if __name__ == "__main__":
    main()
