"""Kafka workers die, the bridge dies, windows are lost: every event is stored once, and right.

Runs on librdkafka's mock cluster, or on the broker that KAFKA_BOOTSTRAP_SERVERS names.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from filelock import FileLock

from portfolio_project import brokers
from portfolio_project.kafka import bridge, host, mock
from portfolio_project.settings import Settings


def kill_loop(trained, folder, *arguments):
    """The benchmark's kill loop, in small; returns its report."""
    script = Path(__file__).parents[2] / "benchmarks/bench_kafka_kill_loop.py"
    done = subprocess.run(
        [sys.executable, str(script), f"--trained={trained}", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "var/reports/kafka-kill-loop.json").read_bytes())


def run_command(*arguments, **environment):
    """The command line with settings for Kafka, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "portfolio_project", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_doubled_or_changed_by_kills_rebalances_and_lost_windows(trained, tmp_path):
    report = kill_loop(trained, tmp_path, "--kills=3", "--events=6000")
    assert (report["missing"], report["wrong"], report["duplicates_after_upsert"]) == (0, 0, 0)
    assert report["everything_else_equal"]
    assert (report["kills"], report["bridge_kills"]) == (3, 1)
    assert report["repeated_answers"] > 0, "no worker had to do anything again"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(
    "KAFKA_BOOTSTRAP_SERVERS" not in os.environ,
    reason="transactions need a real broker: the mock cluster shows what is not committed",
)
def test_with_transactions_no_answer_is_even_sent_twice(trained, tmp_path):
    report = kill_loop(trained, tmp_path, "--kills=3", "--events=4000", "--exactly-once")
    assert (report["missing"], report["wrong"], report["repeated_answers"]) == (0, 0, 0)


def test_a_second_bridge_for_the_same_data_is_refused(workspace):
    settings = Settings(data_dir=workspace, broker_url="kafka-mock://127.0.0.1:1")
    settings.windows_dir.mkdir(parents=True)
    with (
        FileLock(settings.windows_dir / "bridge.lock"),
        pytest.raises(brokers.BrokerError, match="another process carries"),
    ):
        bridge.bridge(settings, None)


@pytest.mark.slow
@pytest.mark.skipif(
    "KAFKA_BOOTSTRAP_SERVERS" in os.environ,
    reason="a real broker drops entries after days, the mock cluster behind 5 MB",
)
def test_a_worker_keeps_its_windows_when_the_broker_has_dropped_what_comes_next(workspace):
    with mock.any_broker(workspace, 1) as (target, settings):
        commit_first_entry(target)
        producer = Producer(target.client)
        for _ in range(8):
            producer.produce(target.topic(brokers.CARDS), b"-" * 900_000, headers={"entry": b"1 x"})
            producer.flush()
        done = run_command("kafka-worker", "worker", **host.environment(settings))
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if "rdkafka" not in line]
    assert "begin with another kafka_prefix" in told[-1]
    assert "Traceback" not in done.stderr


def commit_first_entry(target):
    """As workers that have processed one payment leave it."""
    consumer = Consumer({**target.client, "group.id": target.workers_group})
    place = TopicPartition(target.topic(brokers.CARDS), 0, 1)
    consumer.commit(offsets=[place], asynchronous=False)
    consumer.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_broker_that_does_not_answer_gets_one_line(workspace, unused_port):
    settings = Settings(data_dir=workspace, broker_url=f"kafka://127.0.0.1:{unused_port}")
    done = run_command("stream", "--workers=0", **host.environment(settings))
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if "rdkafka" not in line]
    assert told == [f"no Kafka broker answers at 127.0.0.1:{unused_port}"]
