"""What the serving room costs: CPU time of a request, compared with bare FastAPI.

Three servers run at once, each in its own process: bare FastAPI, the whole stack (API key, rate,
body, time and concurrency limits, JSON log, metrics, CORS, security headers), and the whole stack
with 10 % of the requests traced. In turns, a client in another process sends each the same bounded
load over kept connections, and the server's own CPU time is read before and after. Neighbours on
the machine only add to a round, so the least of the rounds counts, and only ratios are compared.

    python benchmarks/bench_serving_overhead.py [--rounds N] [--requests N] [--in-process]
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel

from portfolio_project import serving
from portfolio_project.serving.keys import mint_key

REPORT = Path("var/reports/serving-overhead.json")
VARIANTS = ("bare", "full", "traced")
BUDGET = {"full": 2.0, "traced": 3.0}
WHOLE = "whole server"  # the mode that the budget is for
CONNECTIONS = 16
PEPPER = "benchmark" * 4
BODY = json.dumps({"amount": 12.5, "merchant": "m-17", "card": "c-4711"}).encode()


class Item(BaseModel):
    """What is sent and returned."""

    amount: float
    merchant: str
    card: str


def bare_app() -> FastAPI:
    """Return the least that FastAPI needs for the same answer."""
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.post("/v1/echo")
    async def echo(item: Item) -> Item:
        return item

    return app


def full_app(folder: Path, collector: str | None) -> tuple[FastAPI, str]:
    """Return the same route in the whole stack, and a key that opens it."""
    secret, key = mint_key(frozenset({"echo"}), "benchmark", PEPPER.encode())
    settings = serving.load_settings(
        serving.ServingSettings,
        data_dir=folder,
        log_format="json",
        api_keys=(key,),
        key_pepper=PEPPER,
        cors_origins=("https://app.example",),
        rate_limit="1000000/second",
        otel_enabled=collector is not None,
        otel_endpoint=collector or "http://127.0.0.1",
        otel_sample_ratio=0.1,
    )
    router = APIRouter()
    slot: serving.ModelSlot[str] = serving.ModelSlot()
    slot.swap("v1", "model")
    caller = Depends(serving.require_scope("echo"))

    @router.post("/echo")
    async def echo(item: Item, _caller: Annotated[serving.Principal, caller]) -> Item:
        with slot.lease():
            return item

    app = serving.build_app(
        settings,
        title="Benchmark",
        description="The serving room around one route.",
        version="1.0.0",
        routers=[router],
        model=slot,
    )
    return app, secret


def make(variant: str, folder: Path, collector: str) -> tuple[FastAPI, str]:
    """Return the application of a variant, and the key to call it with."""
    if variant == "bare":
        return bare_app(), "none"
    return full_app(folder, collector if variant == "traced" else None)


def headers(secret: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of each request; bare FastAPI gets the same ones."""
    return [
        (b"host", b"127.0.0.1"),
        (b"content-type", b"application/json"),
        (b"origin", b"https://app.example"),
        (b"authorization", f"Bearer {secret}".encode()),
        (b"content-length", str(len(BODY)).encode()),
    ]


# --- whole servers --------------------------------------------------------------------------


def run_server(variant: str, descriptor: int, folder: str, collector: str) -> None:
    """Serve a variant on an open socket, pinned to one core; print the key first."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    app, secret = make(variant, Path(folder), collector)
    print(secret, flush=True)
    listener = socket.socket(fileno=descriptor)
    if isinstance(app, serving.Service):
        serving.make_server(app).run(sockets=[listener])
    else:
        config = uvicorn.Config(app, access_log=False, log_level="error")
        uvicorn.Server(config).run(sockets=[listener])


class ServerUnderTest:
    """A server in its own process, and the CPU time that it has used."""

    def __init__(self, variant: str, folder: Path, collector: str) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self.listener.getsockname()[1]
        descriptor = self.listener.fileno()
        command = [sys.executable, __file__, "--serve", variant, str(descriptor), str(folder)]
        self.process = subprocess.Popen(
            [*command, collector],
            pass_fds=[descriptor],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.secret = self.process.stdout.readline().strip()

    def cpu_seconds(self) -> float:
        """Return the time on a CPU of all threads (Linux, in nanoseconds in schedstat)."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def close(self) -> None:
        """Stop the server."""
        self.process.terminate()
        self.process.wait(20)
        self.listener.close()


def run_client(orders: Connection) -> None:
    """Send loads as ordered, from a core of its own; answer each order when it is done."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    while (order := orders.recv()) is not None:
        send_load(*order)
        orders.send("done")


def send_load(port: int, secret: str, requests: int) -> None:
    """Send so many requests over kept connections."""
    lines = [b"%b: %b" % header for header in headers(secret)]
    message = b"\r\n".join([b"POST /v1/echo HTTP/1.1", *lines, b"", BODY])

    async def one_connection(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            writer.write(message)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200"), head
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    async def run() -> None:
        each = requests // CONNECTIONS
        await asyncio.gather(*(one_connection(each) for _ in range(CONNECTIONS)))

    asyncio.run(run())


def measure_servers(rounds: int, requests: int) -> dict[str, list[float]]:
    """Return for each variant the CPU microseconds of a request in each round."""
    found: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    with TemporaryDirectory() as folder, collector() as address:
        servers = {v: ServerUnderTest(v, Path(folder) / v, address) for v in VARIANTS}
        context = multiprocessing.get_context("spawn")
        orders, theirs = context.Pipe()
        client = context.Process(target=run_client, args=(theirs,))
        client.start()
        theirs.close()  # so that an end of the client ends the wait for its answer
        try:
            for number in range(rounds + 1):
                for variant, server in servers.items():
                    before = server.cpu_seconds()
                    orders.send((server.port, server.secret, requests))
                    orders.recv()
                    used = (server.cpu_seconds() - before) / requests * 1e6
                    if number:  # the first round warms up
                        found[variant].append(used)
        finally:
            orders.close()
            client.terminate()
            client.join()
            for server in servers.values():
                server.close()
    return found


# --- in one process -------------------------------------------------------------------------


def measure_in_process(rounds: int, requests: int) -> dict[str, list[float]]:
    """Like `measure_servers`, without sockets and HTTP: what the layers alone cost."""
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for the life of the process
    with TemporaryDirectory() as folder, collector() as address:
        apps = {v: make(v, Path(folder) / v, address) for v in VARIANTS}
        return asyncio.run(_in_process_rounds(apps, rounds, requests))


async def _in_process_rounds(
    apps: dict[str, tuple[FastAPI, str]], rounds: int, requests: int
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {variant: [] for variant in apps}
    for number in range(rounds + 1):
        for variant, (app, secret) in apps.items():
            before = time.process_time()
            for _ in range(requests):
                await _call(app, secret)
                await asyncio.sleep(0)  # a server's event loop turns too
            used = (time.process_time() - before) / requests * 1e6
            if number:
                found[variant].append(used)
    return found


async def _call(app: FastAPI, secret: str) -> None:
    status = 0
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/echo",
        "raw_path": b"/v1/echo",
        "root_path": "",
        "query_string": b"",
        "headers": headers(secret),
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, send)
    assert status == 200, status


# --- the rest -------------------------------------------------------------------------------


class _Sink(BaseHTTPRequestHandler):
    """A collector of traces that takes them and keeps nothing."""

    def do_POST(self) -> None:
        """Accept."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def collector() -> Iterator[str]:
    """Run a collector; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def summarise(found: dict[str, list[float]], mode: str, requests: int) -> dict[str, Any]:
    """Return the report: least CPU microseconds of each variant, and its ratio to bare.

    The median of the ratios within each round is told beside it: far apart, they say that the
    machine was too busy to trust either.
    """
    least = {variant: min(values) for variant, values in found.items()}
    ratios = {
        variant: median(a / b for a, b in zip(values, found["bare"], strict=True))
        for variant, values in found.items()
    }
    return {
        "mode": mode,
        "rounds": len(found["bare"]),
        "requests_per_round": requests,
        "variants": {
            variant: {
                "cpu_us_per_request": round(value, 1),
                "ratio": round(value / least["bare"], 2),
                "median_ratio": round(ratios[variant], 2),
                "budget": BUDGET.get(variant) if mode == WHOLE else None,
                "rounds_us": [round(v, 1) for v in found[variant]],
            }
            for variant, value in least.items()
        },
    }


def show(report: dict[str, Any]) -> bool:
    """Print the report; return whether every variant is within its budget."""
    print(f"serving overhead, {report['mode']}: least of {report['rounds']} rounds")
    print(f"{'variant':<10}{'CPU us/request':>16}{'x bare':>9}{'median x':>10}{'budget':>9}")
    within = True
    for variant, row in report["variants"].items():
        budget = row["budget"]
        line = f"{variant:<10}{row['cpu_us_per_request']:>16.1f}{row['ratio']:>9.2f}"
        line += f"{row['median_ratio']:>10.2f}"
        print(line + (f"{budget:>9.1f}" if budget else ""))
        within = within and (budget is None or row["ratio"] <= budget)
    print("within budget" if within else "OVER BUDGET")
    return within


def main() -> int:
    """Measure, print, write the report; return 1 over budget."""
    parser = argparse.ArgumentParser(description="CPU cost of the serving room")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--requests", type=int, default=800, help="in each round")
    parser.add_argument("--in-process", action="store_true", help="without sockets and HTTP")
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        variant, descriptor, folder, address = options.serve
        run_server(variant, int(descriptor), folder, address)
        return 0
    measure: Callable[[int, int], dict[str, list[float]]] = (
        measure_in_process if options.in_process else measure_servers
    )
    mode = "in process" if options.in_process else WHOLE
    report = summarise(measure(options.rounds, options.requests), mode, options.requests)
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(json.dumps(report, indent=2) + "\n")
    return 0 if show(report) else 1


if __name__ == "__main__":
    sys.exit(main())
