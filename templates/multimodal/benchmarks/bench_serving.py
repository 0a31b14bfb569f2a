"""Latency of single requests, and what batching gains under load, on a running model.

    OMP_NUM_THREADS=1 python benchmarks/bench_serving.py [--write]

Takes the serving model and the index of the data folder; the application is called in this
process, so what is measured is the whole serving stack without a network.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import structlog
from packaging.requirements import Requirement
from photograph import photograph

from portfolio_project.api import create_app
from portfolio_project.api.examples import PICTURE
from portfolio_project.batching import Batcher, Limits
from portfolio_project.provenance import save_report
from portfolio_project.serving import load_settings
from portfolio_project.serving_model import load_current, work_of
from portfolio_project.settings import Settings

REPORT = Path("reports/serving.json")
REQUESTS = 200
LOAD = 512
CLIENTS = 64


def body(part: dict[str, Any]) -> dict[str, Any]:
    """Return a search for ten pictures."""
    return {"query": [{"part": part}], "limit": 10}


async def latency(client: httpx2.AsyncClient, part: dict[str, Any]) -> dict[str, float]:
    """Return milliseconds at batch 1, one request after another: wall time, and CPU time.

    On a core of one's own the two are alike; neighbours make only the first one longer.
    """
    taken: list[float] = []
    spent: list[float] = []
    for number in range(REQUESTS + 20):
        start, began = time.perf_counter(), time.process_time()
        answer = await client.post("/v1/search", json=body(part))
        taken.append(1e3 * (time.perf_counter() - start))
        spent.append(1e3 * (time.process_time() - began))
        assert answer.status_code == 200, (number, answer.text)
    return {
        "p50_ms": float(np.median(taken[20:])),
        "p95_ms": float(np.percentile(taken[20:], 95)),
        "cpu_p50_ms": float(np.median(spent[20:])),
        "cpu_p95_ms": float(np.percentile(spent[20:], 95)),
    }


async def throughput(size: int, work: Any, values: Sequence[Any]) -> float:
    """Return inputs a second of CPU time, with 64 callers who each wait for their answer."""
    waiting = asyncio.Queue[Any]()
    for at in range(LOAD):
        waiting.put_nowait(values[at % len(values)])
    async with Batcher(Limits(size=size, queue=LOAD, patience=600)) as batcher:

        async def caller() -> None:
            while not waiting.empty():
                await batcher.submit("bench", work, [waiting.get_nowait()])

        began = time.process_time()
        await asyncio.gather(*(caller() for _ in range(CLIENTS)))
        return LOAD / (time.process_time() - began)


def closure(name: str) -> set[str]:
    """Return a distribution and all that it needs, without extras and groups."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop().lower().replace("_", "-")
        if one in found:
            continue
        try:
            needs = importlib.metadata.requires(one) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(one)
        parsed = [Requirement(text) for text in needs]
        waiting += [p.name for p in parsed if p.marker is None or p.marker.evaluate({"extra": ""})]
    return found


def environment_megabytes() -> float:
    """Return the size of what serving installs."""
    sizes = [
        Path(file.locate()).stat().st_size
        for name in closure("portfolio-project")
        for file in importlib.metadata.files(name) or []
        if Path(file.locate()).is_file() and file.suffix != ".pyc"
    ]
    return sum(sizes) / 1e6


async def measure(settings: Settings) -> dict[str, Any]:
    """Return all figures."""
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://bench") as client,
    ):
        index = (await client.get("/v1/index")).json()
        text = await latency(client, {"kind": "text", "text": "a red circle above a blue star"})
        image = await latency(client, {"kind": "image", "data": PICTURE})
        large = await latency(client, {"kind": "image", "data": photograph()})
    current = load_current(settings)
    assert current is not None
    embedder = current[1]
    draw = np.random.default_rng(0)
    side = embedder.spec.image_side
    pixels = list(draw.integers(0, 256, (32, side, side, 3)).astype(np.uint8))
    texts = [f"a {word} circle" for word in ("red", "green", "blue", "white")]
    gains = {}
    for kind, values in (("text", texts), ("image", pixels)):
        work = work_of(embedder, kind)
        alone = await throughput(1, work, values)
        together = await throughput(32, work, values)
        gains[kind] = {"alone": alone, "batched": together, "gain": together / alone}
    return {
        "documents": index["documents"],
        "dim": index["dim"],
        "threads": settings.threads,
        "text": text,
        "image": image,
        "photograph": large,
        "batching": gains,
        "environment_megabytes": environment_megabytes(),
    }


def main() -> None:
    """Measure, and with --write keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT}")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    settings = load_settings(Settings, rate_limit="1000000/second", log_level="error")
    report = asyncio.run(measure(settings))
    if options.write:
        save_report(REPORT, report)
    else:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
