"""The demo ends whole: by Ctrl-C, by kill -9, and when it cannot even begin."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portfolio_project import broker, brokers, store
from portfolio_project.kafka import mock
from portfolio_project.settings import Settings


def start(folder, *arguments, output=subprocess.DEVNULL, broker_url="embedded"):
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "portfolio_project",
            "demo",
            "--profile=tiny",
            "--no-reproduce",
            *arguments,
        ],
        env={
            **os.environ,
            "PORTFOLIO_PROJECT_DATA_DIR": str(folder),
            "PORTFOLIO_PROJECT_BROKER_URL": broker_url,
        },
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=output,
        text=True,
    )


def family(folder):
    """Processes that work on `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            environment = (entry / "environ").read_bytes()
            command = (entry / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        ours = str(folder).encode() in environment
        if ours and b"portfolio_project" in command:
            found.append(command.replace(b"\0", b" ").decode())
    return found


def wait_until_scored(folder, than=0):
    results = store.Store(folder / "stream.db")
    deadline = time.monotonic() + 60
    while results.position().offset <= than:
        assert time.monotonic() < deadline, "nothing was scored"
        time.sleep(0.05)
    return results.position().offset


@pytest.fixture(params=["embedded", "kafka"])
def broker_url(request, workspace):
    """Each place where the events may go."""
    if request.param == "embedded":
        yield request.param
    else:
        names = brokers.broker_of(Settings(broker_url="kafka://to-be-found"))
        logs = [names.changelog(one) for one in (brokers.CARDS, brokers.TERMINALS)]
        with mock.MockBroker([*names.topics(), *logs], names.partitions) as started:
            yield f"kafka-mock://{started.address}"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_killed_it_leaves_no_process_and_goes_on_where_it_was(workspace, broker_url):
    first = start(workspace, "--port=0", broker_url=broker_url)
    wait_until_scored(workspace)
    assert len(family(workspace)) >= 3
    first.send_signal(signal.SIGKILL)
    first.wait()
    deadline = time.monotonic() + 30
    while family(workspace):
        assert time.monotonic() < deadline, family(workspace)
        time.sleep(0.1)
    before = store.Store(workspace / "stream.db").position().offset
    second = start(workspace, "--port=0", broker_url=broker_url)
    wait_until_scored(workspace, before)
    second.send_signal(signal.SIGINT)
    assert second.wait(30) == 0
    deadline = time.monotonic() + 30
    while family(workspace):
        assert time.monotonic() < deadline, family(workspace)
        time.sleep(0.1)
    log = broker.Log(workspace / "log.db")
    assert sum(log.sent().values()) == log.end()
    results = store.Store(workspace / "stream.db")
    counted = dict(results._db.execute("SELECT name, value FROM counters").fetchall())
    accounted = sum(
        counted.get(name, 0) for name in ("predictions", "duplicates", "labels", "dead_letters")
    )
    assert accounted == results.position().offset


def test_a_taken_port_is_one_clear_line(workspace):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = start(workspace, f"--port={port}", output=subprocess.PIPE)
        _, said = done.communicate(timeout=60)
    assert done.returncode == 2
    assert len(said.splitlines()) == 1
    assert f"can't listen on 127.0.0.1:{port}" in said
    assert "--port" in said
