"""What the service answers under load: with batches of up to 32, and with batches of one.

    python benchmarks/bench_load.py [--write]

Two servers run as `serve` runs them, on one core, with the model and the index of the data folder;
they differ in the setting `batch_size` alone. In turns, a client on another core sends each the
same requests over 32 kept connections, each with one input. Neighbours on the machine only add to
a round, so the best of the rounds counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from photograph import photograph

from portfolio_project.api.examples import PICTURE
from portfolio_project.provenance import save_report

REPORT = Path("reports/load.json")
PREFIX = "PORTFOLIO_PROJECT_"
COMMAND = Path(sys.executable).parent / "portfolio-project"
SIZES = {"alone": 1, "batched": 32}
CALLERS = 32
ROUNDS = 6
STARTS_WITHIN = 60.0
INPUTS = {
    "text": ({"kind": "text", "text": "a red circle above a blue star"}, 512),
    "picture": ({"kind": "image", "data": PICTURE}, 384),
    "photograph": ({"kind": "image", "data": photograph()}, 96),
}
"""What is asked with, and how many requests make a round."""


class Server:
    """A service in a process of its own, on one core."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def cpu_seconds(self) -> float:
        """Return the time on a CPU of all threads (Linux, in nanoseconds in schedstat)."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def embedded(self) -> tuple[float, float]:
        """Return how many inputs were embedded, and in how many batches."""
        text = self.get("/metrics")
        found = [
            re.search(rf"^embed_{name} (\S+)$", text, re.MULTILINE)
            for name in ("inputs", "batches")
        ]
        inputs, batches = (float(one[1]) for one in found if one)
        return inputs, batches

    def get(self, path: str) -> str:
        """Return the answer as text."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            return str(answer.read().decode())

    def wait(self) -> None:
        """Wait until it is ready. Raises TimeoutError."""
        late = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < late:
            try:
                self.get("/health/ready")
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
            else:
                return
        raise TimeoutError("the service is not ready; run `make demo` or `make train` first")


@contextmanager
def server(size: int, core: int) -> Iterator[Server]:
    """Run a service that embeds at most `size` inputs together."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    own = {"BATCH_SIZE": size, "RATE_LIMIT": "1000000/second", "LOG_LEVEL": "error"}
    values = {f"{PREFIX}{name}": str(value) for name, value in own.items()}
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", str(port)],
        env={**os.environ, **values},
    )
    os.sched_setaffinity(process.pid, {core})  # before it has made any thread
    try:
        started = Server(process, port)
        started.wait()
        yield started
    finally:
        process.terminate()
        process.wait()


async def send(port: int, path: str, body: bytes, requests: int) -> None:
    """Send so many requests over kept connections, each connection one after another."""
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    message = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body

    async def caller(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            writer.write(message)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert answer.startswith(b"http/1.1 200"), answer
            length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    await asyncio.gather(*(caller(requests // CALLERS) for _ in range(CALLERS)))


def requests_of(part: dict[str, Any]) -> dict[str, tuple[str, bytes]]:
    """Return route and body of a request to embed an input, and of a search for it."""
    bodies = {"embed": {"inputs": [part]}, "search": {"query": [{"part": part}]}}
    return {name: (f"/v1/{name}", json.dumps(body).encode()) for name, body in bodies.items()}


def measure() -> dict[str, Any]:
    """Return a row for each route and input."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(server(size, cores[-1])) for name, size in SIZES.items()
        }
        rows = [
            {"request": route, "input": name, **row(servers, *request, count)}
            for name, (part, count) in INPUTS.items()
            for route, request in requests_of(part).items()
        ]
    return {"callers": CALLERS, "rounds": ROUNDS, "batch_size": SIZES["batched"], "rows": rows}


def row(servers: dict[str, Server], path: str, body: bytes, count: int) -> dict[str, float]:
    """Return requests a second and CPU milliseconds a request of each server, and their ratio."""
    rates: dict[str, list[float]] = {name: [] for name in servers}
    costs: dict[str, list[float]] = {name: [] for name in servers}
    inputs, batches = servers["batched"].embedded()
    for number in range(ROUNDS + 1):
        for name, one in servers.items():
            spent, began = one.cpu_seconds(), time.perf_counter()
            asyncio.run(send(one.port, path, body, count))
            if number:  # the first round warms up
                rates[name].append(count / (time.perf_counter() - began))
                costs[name].append(1e3 * (one.cpu_seconds() - spent) / count)
    inputs_after, batches_after = servers["batched"].embedded()
    return {
        **{f"{name}_per_second": max(values) for name, values in rates.items()},
        **{f"{name}_cpu_ms": min(values) for name, values in costs.items()},
        "gain": max(rates["batched"]) / max(rates["alone"]),
        "inputs_a_batch": (inputs_after - inputs) / (batches_after - batches),
    }


def main() -> None:
    """Measure, and with --write keep the figures."""
    parser = argparse.ArgumentParser(description="Requests a second, in batches and one by one")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT}")
    options = parser.parse_args()
    report = measure()
    if options.write:
        save_report(REPORT, report)
    else:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
