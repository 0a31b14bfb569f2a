"""What an event costs on Kafka, beside quixstreams' own pass-through of the same messages.

Workers that only pass on are the floor of this host: they read the same messages, send answers as
long, and store real windows, those of the middle of the stream, without a look at any. The reducer
alone, in memory, is what has to come on top. Ours is compared with their sum. Losses and
repetitions are counted on the topic where the answers are, before the sink takes them out.

Runs on librdkafka's mock cluster, or on the broker that KAFKA_BOOTSTRAP_SERVERS names.

    python benchmarks/bench_kafka.py [--events N] [--rounds N]
"""

import argparse
import gc
import os
import pickle
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import Consumer, TopicPartition

from portfolio_project import (
    broker,
    brokers,
    events,
    features,
    generator,
    simulator,
    state,
)
from portfolio_project.kafka import (
    host,
    mock,
    relay,
    router,
    stages,
    wire,
    worker,
)
from portfolio_project.provenance import save_report
from portfolio_project.serving import load_settings
from portfolio_project.settings import Settings

REPORT = Path("var/reports/kafka.json")
PARTITIONS = 8
PATIENCE_SECONDS = 120.0
SETTLE_SECONDS = 8.0
REPEATS = 6
T = TypeVar("T")
THEIRS = sum(name.startswith("terminal_") for name in features.FEATURE_NAMES)
HALVES = {
    brokers.CARDS: wire.encode_of_card((1.25,) * (len(features.FEATURE_NAMES) - THEIRS)),
    brokers.TERMINALS: wire.encode_of_terminal((1.25,) * THEIRS),
}


def pass_on(half: bytes, windows: list[bytes]) -> worker.Stage:
    """A stage that sends as much as ours for a good event, and stores as much, without a look.

    `windows` are those of many keys: were all alike, to compress them would cost nothing.
    """

    def stage(stored: bytes | None, record: broker.Record) -> stages.Answered:
        return stored or windows[record.offset % len(windows)], (half,)

    return stage


def run_worker(name: str, windows: Path | None) -> None:
    """One worker, in a process of its own; given windows, one that passes on."""
    if windows is not None:
        for topic, kept in pickle.loads(windows.read_bytes()).items():  # noqa: S301 - our own
            worker.STAGES[topic] = pass_on(HALVES[topic], kept)
    host.run_worker(load_settings(Settings), name)


def windows_of(log: broker.Log, count: int) -> dict[str, list[bytes]]:
    """What workers keep after `count` entries, by topic."""
    kept: dict[tuple[str, str], bytes] = {}
    for name, key, record in router_of(log, count).route(log.read(0, count)):
        stored, _ = worker.STAGES[name](kept.get((name, key)), record)
        if stored is not None:
            kept[name, key] = stored
    return {topic: [kept[place] for place in kept if place[0] == topic] for topic in HALVES}


def router_of(log: broker.Log, count: int) -> router.Router:
    """A router that has the ids of `count` entries from here and not from a store."""
    taken: dict[str, int] = {}
    for record in log.read(0, count):
        event = events.read_event(record.topic, record.value, record.arrived_at)
        if isinstance(event, events.Transaction):
            taken.setdefault(event.event_id, record.offset)
    return router.Router(lambda ids: {one: taken[one] for one in ids if one in taken})


class Measured(NamedTuple):
    """One run."""

    cpu_us: float
    per_second: float
    lost: int
    repeated: int


def measure(
    log: broker.Log, count: int, *, workers: int = 1, windows: Path | None = None
) -> Measured:
    """Let workers answer `count` entries; given windows, they only pass on.

    They share out the partitions first, and warm up on a tenth. Then they stand still until all
    other entries lie in the topics; what is measured begins there.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.any_broker(Path(folder), PARTITIONS) as (target, settings),
        closing(Watch(target, wanted(log, count, passing=windows is not None))) as watch,
    ):
        sender = relay.Relay(target, log, router_of(log, count), 0)
        command = [sys.executable, __file__, *([f"--windows={windows}"] if windows else [])]
        environment = {**os.environ, **host.environment(settings)}
        names = [f"worker-{number}" for number in range(workers)]
        running = [
            subprocess.Popen([*command, "--worker", name], env=environment) for name in names
        ]
        try:
            time.sleep(SETTLE_SECONDS)
            send(sender, count // 10)
            watch.until(count // 10, time.monotonic)
            signal_all(running, signal.SIGSTOP)
            send(sender, count)
            began, cpu = time.monotonic(), cpu_seconds(running)
            signal_all(running, signal.SIGCONT)
            end, cpu_end = watch.until(count, lambda: (time.monotonic(), cpu_seconds(running)))
        finally:
            signal_all(running, signal.SIGTERM)
            for one in running:
                one.wait()
    answered = watch.answered - count // 10
    return Measured(
        (cpu_end - cpu) / answered * 1e6,
        answered / (end - began),
        count - watch.answered,
        watch.repeated,
    )


def send(sender: relay.Relay, until: int) -> None:
    """Send the log up to the entry `until`, all that the broker takes of it."""
    while sender.offset < until:
        sender.send(until, min(relay.BATCH, until - sender.offset))
    sender.flush()


def signal_all(running: list[subprocess.Popen[bytes]], number: signal.Signals) -> None:
    """Send the signal to each process."""
    for one in running:
        one.send_signal(number)


def wanted(log: broker.Log, count: int, *, passing: bool) -> list[int]:
    """How many answers each entry of the log gets, the first in place 1.

    A payment that is taken has two halves. Workers that only pass on answer whatever comes by.
    """
    found = [0] * (count + 1)
    for name, _, record in router_of(log, count).route(log.read(0, count)):
        silent = name == brokers.TERMINALS and record.topic == events.Topic.TRANSACTIONS
        event = events.read_event(record.topic, record.value, record.arrived_at)
        if passing or not (silent and isinstance(event, events.Rejected)):
            found[record.offset] += 1
    return found


class Watch:
    """Reads the answers: how many entries have all of theirs, and how many answers came again."""

    def __init__(self, target: brokers.Broker, awaited: list[int]) -> None:
        """Count against `awaited`, answers by entry."""
        self.answered = self.repeated = self._count = 0
        self._awaited = awaited
        self._said: list[set[int]] = [set() for _ in awaited]
        settings = {**target.client, "group.id": "watch", "auto.offset.reset": "earliest"}
        self._reader = Consumer(settings)
        self._asker = Consumer(settings)  # a question to the broker waits behind a fetch that waits
        topic = target.topic(brokers.OUTCOMES)
        self._partitions = [TopicPartition(topic, n, 0) for n in range(target.partitions)]
        self._reader.assign(self._partitions)

    def until(self, answered: int, look: Callable[[], T]) -> T:
        """What `look` says when so many entries have all of their answers, or patience ends.

        Answers are read when there are enough of them: until then the workers have the machine.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        enough = sum(self._awaited[: answered + 1])
        while True:
            while (given := self._given()) < enough and time.monotonic() < deadline:
                time.sleep(0.05)
            seen = look()
            self._read(given)
            if self.answered >= answered or time.monotonic() >= deadline:
                return seen
            enough = given + 1  # some came twice

    def _given(self) -> int:
        marks = [self._asker.get_watermark_offsets(one) for one in self._partitions]
        return sum(high for _, high in marks)

    def _read(self, given: int) -> None:
        while self._count < given:
            for message in self._reader.consume(2_000, 0.05):
                self._count += 1
                offset, _ = wire.read_headers(message.headers())
                kind, said = message.value()[0], self._said[offset]
                self.repeated += kind in said
                if kind not in said:
                    said.add(kind)
                    self.answered += len(said) == self._awaited[offset]

    def close(self) -> None:
        """Leave the broker."""
        self._reader.close()
        self._asker.close()


def cpu_seconds(running: list[subprocess.Popen[bytes]]) -> float:
    """CPU time of the processes and their threads."""
    ticks = 0
    for one in running:
        fields = Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def reducer_alone(log: broker.Log, count: int) -> float:
    """CPU microseconds an event of the door and the reducer, with all windows in memory.

    The log is gone through several times, to last as long as the workers' runs do: the machine is
    now faster, now slower, and the floor should not be of its best moment.
    """
    records = log.read(0, count)
    spent = 0.0
    for _ in range(REPEATS):
        windows = state.KeyedState()
        gc.collect()
        began = time.process_time()
        for record in records:
            event = events.read_event(record.topic, record.value, record.arrived_at)
            if not isinstance(event, events.Rejected):
                windows.apply(event)
        spent += time.process_time() - began
    return spent / (REPEATS * count) * 1e6


def report_of(count: int, runs: dict[str, list[Measured]], reducer: list[float]) -> dict[str, Any]:
    """The median of each kind of run; of the comparison the lowest and the highest round too."""
    cpu_us = {kind: [one.cpu_us for one in found] for kind, found in runs.items()}
    per_second = {kind: median(one.per_second for one in found) for kind, found in runs.items()}
    floors = list(map(sum, zip(cpu_us["pass"], reducer, strict=True)))
    over = [one / floor for one, floor in zip(cpu_us["one"], floors, strict=True)]
    ours = [*runs["one"], *runs["two"]]
    return {
        "python": platform.python_version(),
        "broker": "Kafka" if "KAFKA_BOOTSTRAP_SERVERS" in os.environ else "mock cluster",
        "events": count,
        "rounds": len(reducer),
        "pass_through_us": median(cpu_us["pass"]),
        "reducer_us": median(reducer),
        "one_worker_us": median(cpu_us["one"]),
        "two_workers_us": median(cpu_us["two"]),
        "over_floor": median(cpu_us["one"]) / (median(cpu_us["pass"]) + median(reducer)),
        "over_floor_lowest": min(over),
        "over_floor_highest": max(over),
        "pass_through_per_second": per_second["pass"],
        "one_worker_per_second": per_second["one"],
        "two_workers_per_second": per_second["two"],
        "lost": max(one.lost for one in ours),
        "repeated": max(one.repeated for one in ours),
    }


def main() -> None:
    """Measure in turns, report the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--windows", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        run_worker(chosen.worker, chosen.windows)
        return
    if chosen.events < 10_000:
        parser.error("fewer than 10,000 events are answered before there is something to measure")
    with tempfile.TemporaryDirectory() as folder:
        days = max(3, 2 + chosen.events // 1_800)
        world = simulator.World(1_000, 2_000, days, terminals_hit=1, cards_hit=1)
        plan = generator.plan(simulator.simulate(world))
        count = min(chosen.events, len(plan))
        log = broker.Log(Path(folder) / "log.db")
        log.append(plan.envelopes(0, count))
        windows = Path(folder) / "windows.pickle"
        windows.write_bytes(pickle.dumps(windows_of(log, count // 2)))
        runs: dict[str, list[Measured]] = {"pass": [], "one": [], "two": []}
        reducer: list[float] = []
        for _ in range(chosen.rounds):
            reducer.append(reducer_alone(log, count))
            runs["pass"].append(measure(log, count, windows=windows))
            runs["one"].append(measure(log, count))
            runs["two"].append(measure(log, count, workers=2))
    report = report_of(count, runs, reducer)
    save_report(REPORT, report)
    for key, value in report.items():
        print(f"{key:<28}{value:>14,.2f}" if isinstance(value, float) else f"{key:<28}{value:>14}")


if __name__ == "__main__":
    main()
