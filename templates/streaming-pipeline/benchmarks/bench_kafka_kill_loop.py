"""Kill Kafka workers over and over, and compare what is stored with an undisturbed embedded run.

Every second victim comes back under its name with its local windows: Kafka gives it its partitions
again without a rebalance. Every other one is gone for good, with its windows; a worker of another
name takes its place, so the group rebalances twice (when it joins, and when the dead one is given
up), and windows are read from the changelog. Every fifth time the bridge is killed as well.

Runs on librdkafka's mock cluster, or on the broker that KAFKA_BOOTSTRAP_SERVERS names. The mock
cluster knows no static members: whoever joins, its group waits for the session's timeout less a
second, which is the most of a standstill there.

    python benchmarks/bench_kafka_kill_loop.py [--kills N] [--events N] [--trained FOLDER]
"""

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench_kafka import wanted
from confluent_kafka import Consumer, TopicPartition

from portfolio_project import (
    broker,
    brokers,
    generator,
    ingest,
    profiles,
    runner,
    scorer,
    simulator,
    store,
    train,
)
from portfolio_project.kafka import host, mock
from portfolio_project.provenance import Registry, save_report
from portfolio_project.settings import Settings

REPORT = Path("var/reports/kafka-kill-loop.json")
PARTITIONS = 8
WORKERS = 2
PATIENCE_SECONDS = 90.0
TABLES = ("predictions", "labels", "dead_letters", "counters")


class Fleet:
    """The bridge and the workers, as processes of their own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._environment = {**os.environ, **host.environment(settings)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._made = 0

    def start(self, name: str) -> None:
        """Start the bridge, or the worker of that name."""
        command = ["stream", "--workers=0"] if name == "bridge" else ["kafka-worker", name]
        self._processes[name] = subprocess.Popen(
            [sys.executable, "-m", "portfolio_project", *command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start_new(self) -> str:
        """Start a worker that never was; returns its name."""
        self._made += 1
        name = f"worker-{self._made}"
        self.start(name)
        return name

    def workers(self) -> list[str]:
        """The workers that should run."""
        return [name for name in self._processes if name != "bridge"]

    def kill(self, name: str, *, for_good: bool = False) -> None:
        """SIGKILL; `for_good` with everything that it had on disk."""
        process = self._processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if for_good:
            shutil.rmtree(self.settings.windows_dir / name, ignore_errors=True)

    def revive(self) -> int:
        """Start again what ended by itself, as the supervisor does; returns how many."""
        dead = [name for name, one in self._processes.items() if one.poll() is not None]
        for name in dead:
            self.start(name)
        return len(dead)

    def close(self) -> None:
        """End everything."""
        for process in self._processes.values():
            process.kill()
            process.wait()


def contents(path: Path, table: str) -> list[tuple[Any, ...]]:
    """All rows of a table, in order."""
    with sqlite3.connect(path) as database:
        return database.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # noqa: S608 - ours


class Watch:
    """Looks at the store while the fleet works, and keeps the moments at which it moved."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._results = store.Store(fleet.settings.store_path)
        self.moves = [time.monotonic()]
        self.revived = 0

    def until(self, goal: int) -> None:
        """Wait for the store to reach `goal`."""
        offset = self._results.position().offset
        while offset < goal:
            time.sleep(0.01)
            current = self._results.position().offset
            if current > offset:
                offset = current
                self.moves.append(time.monotonic())
            elif time.monotonic() - self.moves[-1] > PATIENCE_SECONDS:
                sys.exit(f"stands still at entry {offset:,} of {goal:,}")
            self.revived += self._fleet.revive()

    def standstill(self, begin: float, end: float) -> float:
        """The longest time (s) without a stored entry between two moments."""
        moves = [begin, *(one for one in self.moves if begin < one < end), end]
        return max(after - before for before, after in pairwise(moves))


def kill_until_done(
    fleet: Fleet, kills: int, events: int, fill: Callable[[int], object]
) -> dict[str, Any]:
    """Kill at random moments until the log is done; returns what was counted.

    `fill` brings the log to a length. It grows from kill to kill, so that each finds work under
    way, however fast the workers are.
    """
    chance = random.Random(1)
    watch = Watch(fleet)
    moments: list[float] = []
    bridge_kills = 0
    step = events // (kills + 1)
    for number in range(kills):
        fill((number + 1) * step)
        watch.until(number * step + step // 4 + chance.randrange(step // 2))
        moments.append(time.monotonic())
        victim = chance.choice(fleet.workers())
        for_good = number % 2 == 1
        fleet.kill(victim, for_good=for_good)
        if for_good:
            fleet.start_new()
        else:
            fleet.start(victim)
        if number % 5 == 2:
            bridge_kills += 1
            fleet.kill("bridge")
            fleet.start("bridge")
    fill(events)
    watch.until(events)
    spans = pairwise([*moments, time.monotonic()])
    standstills = [watch.standstill(*span) for span in spans]
    return {
        "kills": kills,
        "bridge_kills": bridge_kills,
        "restarts_by_supervision": watch.revived,
        "standstill_in_place_median_s": median(standstills[::2]),
        "standstill_replaced_median_s": median(standstills[1::2] or [0.0]),
        "standstill_longest_s": max(standstills),
    }


def answers(target: brokers.Broker) -> tuple[int, bool]:
    """How many answers the workers gave, and whether the mock cluster kept all changelogs."""
    reader = Consumer({**target.client, "group.id": "count"})
    marks = {
        name: [
            reader.get_watermark_offsets(TopicPartition(name, number), timeout=10)
            for number in range(target.partitions)
        ]
        for name in (
            target.topic(brokers.OUTCOMES),
            target.changelog(brokers.CARDS),
            target.changelog(brokers.TERMINALS),
        )
    }
    reader.close()
    given = sum(high for _, high in marks.pop(target.topic(brokers.OUTCOMES)))
    return given, all(low == 0 for pairs in marks.values() for low, _ in pairs)


def trained(folder: Path) -> Path:
    """A data folder with a model in its registry."""
    profile = profiles.PROFILES["tiny"]
    ingest.ingest_world(profile.world, folder / "data")
    train.train(folder / "data", folder / "models", Registry(folder / "registry"), profile.training)
    return folder


def main() -> None:
    """Kill, compare, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--trained", type=Path, help="a data folder with a registry")
    parser.add_argument("--exactly-once", action="store_true", help="on a real broker")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        registry = Registry((chosen.trained or trained(folder / "trained")) / "registry")
        shutil.copytree(registry.root, folder / "registry")
        model = scorer.load_current(registry)
        assert model is not None
        days = max(3, 2 + chosen.events // 1_800)
        world = simulator.World(1_000, 2_000, days, terminals_hit=1, cards_hit=1)
        plan = generator.plan(simulator.simulate(world), faults=generator.Faults())
        events = min(chosen.events, len(plan))
        whole, log = broker.Log(folder / "whole.db"), broker.Log(folder / "log.db")
        whole.append(plan.envelopes(0, events))
        undisturbed = store.Store(folder / "undisturbed.db")
        runner.Runner(whole, undisturbed, lambda: model).drain()
        target, settings = stack.enter_context(
            mock.any_broker(folder, PARTITIONS, kafka_exactly_once=chosen.exactly_once)
        )
        fleet = Fleet(settings)
        stack.callback(fleet.close)
        fleet.start("bridge")
        for _ in range(WORKERS):
            fleet.start_new()
        began = time.monotonic()
        counted = kill_until_done(
            fleet,
            chosen.kills,
            events,
            lambda length: log.append(plan.envelopes(log.end(), length)),
        )
        wall = time.monotonic() - began
        given, kept = answers(target)
        needed = sum(wanted(whole, events, passing=False))
        pairs = {
            name: (contents(folder / "undisturbed.db", name), contents(folder / "stream.db", name))
            for name in TABLES
        }
    expected, found = ({row[1]: row for row in rows} for rows in pairs["predictions"])
    report = {
        "broker": "mock cluster" if target.simulated else "Kafka",
        "events": events,
        "workers": WORKERS,
        **counted,
        "answers": given,
        "repeated_answers": given - needed,
        "missing": len(expected.keys() - found.keys()),
        "wrong": sum(expected[key] != found[key] for key in expected.keys() & found.keys()),
        "duplicates_after_upsert": len(pairs["predictions"][1])
        - len(found)
        + len(found.keys() - expected.keys()),
        "everything_else_equal": all(pairs[name][0] == pairs[name][1] for name in TABLES[1:]),
        "wall_s": wall,
    }
    save_report(REPORT, report)
    for key, value in report.items():
        print(f"{key:<32}{value!s:>16}")
    if report["missing"] or report["wrong"] or report["duplicates_after_upsert"]:
        cause = "" if kept else "; the mock cluster had dropped a part of a changelog"
        sys.exit(f"the kills left a mark{cause}")


if __name__ == "__main__":
    main()
