"""What an event costs on Kafka, beside quixstreams' own pass-through of the same messages.

Workers that only pass on and store bytes of the same size are the floor of this host; the reducer
alone, in memory, is what has to come on top. Ours is compared with their sum. Losses and
repetitions are counted on the topic where the answers are, before the sink takes them out.

Runs on librdkafka's mock cluster, or on the broker that KAFKA_BOOTSTRAP_SERVERS names.

    python benchmarks/bench_kafka.py [--events N] [--rounds N]
"""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Consumer, TopicPartition

from portfolio_project import (
    broker,
    brokers,
    events,
    generator,
    simulator,
    state,
)
from portfolio_project.kafka import (
    host,
    mock,
    relay,
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
SHARE = orjson.dumps([1.0] * sum(name.startswith("terminal_") for name in stages.FEATURE_NAMES))
PASSED = b"." * 300
"""As large as an answer with its features."""
KEPT = b"." * 500
"""As large as windows of this stream are in the end."""


def pass_on(stored: bytes | None, record: broker.Record) -> stages.Answer:
    """Send what `stages` would send for a good event, and store as much, without a look at it."""
    if record.topic == wire.ASPECT:
        message = stages.Message(brokers.OUTCOMES, str(record.offset), PASSED)
        return stored or KEPT, [message]
    return stored or KEPT, []


def pass_to_card(stored: bytes | None, record: broker.Record) -> stages.Answer:
    """The same beside the terminal. To know the card it has to read the event."""
    card = orjson.loads(record.value).get("card_id")
    if card is None:
        return stored or KEPT, [stages.Message(brokers.OUTCOMES, str(record.offset), PASSED)]
    return stored or KEPT, [stages.Message(brokers.CARDS, card, SHARE)]


def run_worker(name: str, *, passing: bool) -> None:
    """One worker, in a process of its own."""
    if passing:
        worker.STAGES.update({brokers.TERMINALS: pass_to_card, brokers.CARDS: pass_on})
    host.run_worker(load_settings(Settings), name)


class Sample(NamedTuple):
    """One look at the workers: answers so far, their CPU time (s), the clock (s)."""

    answers: int
    cpu: float
    wall: float


class Measured(NamedTuple):
    """One run."""

    cpu_us: float
    per_second: float
    lost: int
    repeated: int


def measure(log: broker.Log, count: int, *, workers: int, passing: bool) -> Measured:
    """Let workers answer `count` entries that lie in the topics already."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.any_broker(Path(folder), PARTITIONS) as (target, settings),
    ):
        sender = relay.Relay(target, log, 0)
        while sender.send(count):
            pass
        sender.flush()
        command = [sys.executable, __file__, "--pass" if passing else "--worker"]
        environment = {**os.environ, **host.environment(settings)}
        names = [f"worker-{number}" for number in range(workers)]
        running = [subprocess.Popen([*command, name], env=environment) for name in names]
        try:
            samples, given = watch(target, running, count, passing=passing)
        finally:
            for one in running:
                one.terminate()
            for one in running:
                one.wait()
    first = next(one for one in samples if one.answers >= count // 10)
    last = samples[-1]
    answered = last.answers - first.answers
    return Measured(
        (last.cpu - first.cpu) / answered * 1e6,
        answered / (last.wall - first.wall),
        count - last.answers,
        given - last.answers,
    )


def watch(
    target: brokers.Broker, running: list[subprocess.Popen[bytes]], count: int, *, passing: bool
) -> tuple[list[Sample], int]:
    """Read answers until every entry has one, or patience ends; returns looks, and all answers."""
    reader = Consumer({**target.client, "group.id": "watch", "auto.offset.reset": "earliest"})
    topic = target.topic(brokers.OUTCOMES)
    reader.assign([TopicPartition(topic, number, 0) for number in range(target.partitions)])
    samples, given, seen = list[Sample](), 0, set[int]()
    began = time.monotonic()
    while len(seen) < count and time.monotonic() - began < PATIENCE_SECONDS:
        batch = reader.consume(2_000, 0.05)
        given += len(batch)
        seen.update(
            int(message.key()) if passing else wire.decode_outcome(message.value()).record.offset
            for message in batch
        )
        cpu = sum(cpu_seconds(one.pid) for one in running)
        samples.append(Sample(len(seen), cpu, time.monotonic()))
    reader.close()
    return samples, given


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def reducer_alone(log: broker.Log, count: int) -> float:
    """CPU microseconds an event of the door and the reducer, with all windows in memory."""
    records = log.read(0, count)
    windows = state.KeyedState()
    gc.collect()
    began = time.process_time()
    for record in records:
        event = events.read_event(record.topic, record.value, record.arrived_at)
        if not isinstance(event, events.Rejected):
            windows.apply(event)
    return (time.process_time() - began) / count * 1e6


def main() -> None:
    """Measure in turns, report the best of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--pass", dest="passing", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if name := chosen.worker or chosen.passing:
        run_worker(name, passing=bool(chosen.passing))
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
        runs: dict[str, list[Measured]] = {"pass": [], "one": [], "two": []}
        reducer = float("inf")
        for _ in range(chosen.rounds):
            reducer = min(reducer, reducer_alone(log, count))
            runs["pass"].append(measure(log, count, workers=1, passing=True))
            runs["one"].append(measure(log, count, workers=1, passing=False))
            runs["two"].append(measure(log, count, workers=2, passing=False))
    best = {kind: min(found) for kind, found in runs.items()}
    floor = best["pass"].cpu_us + reducer
    ours = [*runs["one"], *runs["two"]]
    report: dict[str, Any] = {
        "broker": "Kafka" if "KAFKA_BOOTSTRAP_SERVERS" in os.environ else "mock cluster",
        "events": count,
        "pass_through_us": best["pass"].cpu_us,
        "reducer_us": reducer,
        "one_worker_us": best["one"].cpu_us,
        "two_workers_us": best["two"].cpu_us,
        "over_floor": best["one"].cpu_us / floor,
        "pass_through_per_second": max(one.per_second for one in runs["pass"]),
        "one_worker_per_second": max(one.per_second for one in runs["one"]),
        "two_workers_per_second": max(one.per_second for one in runs["two"]),
        "lost": max(one.lost for one in ours),
        "repeated": max(one.repeated for one in ours),
    }
    save_report(REPORT, report)
    for key, value in report.items():
        print(f"{key:<28}{value:>14,.2f}" if isinstance(value, float) else f"{key:<28}{value:>14}")


if __name__ == "__main__":
    main()
