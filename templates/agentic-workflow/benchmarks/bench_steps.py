"""What durability costs a step: this project's engine beside DBOS alone, LangGraph and nothing.

Each way runs workflows of ten steps that add one to a number. The ways take turns, each turn in a
process of its own, so that what the machine does besides falls on all of them; the least of the
turns counts, and the ratios say most. "tool" is what a look-up by the agent really costs: the same
engine, with the records read and the ticket's story written in the step.

    python benchmarks/bench_steps.py [--workflows N] [--turns N]

LangGraph comes with the group `bench`: uv sync --group bench.
"""

import argparse
import asyncio
import importlib.util
import itertools
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from portfolio_project.provenance import save_report

REPORT = Path("var/reports/steps.json")
STEPS = 10
WARM_UP = 5
Workflow = Callable[[], Awaitable[object]]


async def per_step(workflow: Workflow, count: int) -> float:
    """Return the median microseconds of a step, over `count` workflows."""
    taken: list[float] = []
    for number in range(WARM_UP + count):
        started = time.perf_counter()
        await workflow()
        if number >= WARM_UP:
            taken.append(time.perf_counter() - started)
    return sorted(taken)[len(taken) // 2] / STEPS * 1e6


def bare(_folder: Path, count: int) -> float:
    """Plain coroutines: nothing is kept."""

    async def step(number: int) -> int:
        return number + 1

    async def workflow() -> int:
        number = 0
        for _ in range(STEPS):
            number = await step(number)
        return number

    return asyncio.run(per_step(workflow, count))


def dbos_alone(folder: Path, count: int) -> float:
    """DBOS on a SQLite engine with WAL, and nothing of this project."""
    from dbos import DBOS  # noqa: PLC0415 - each way loads only what it needs
    from sqlalchemy import create_engine, event  # noqa: PLC0415

    engine = create_engine(f"sqlite:///{folder / 'alone.db'}")

    @event.listens_for(engine, "connect")
    def prepare(connection, _record) -> None:  # noqa: ANN001
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")
        # DBOS dates rows by unixepoch('subsec'), which SQLite has from 3.42 on.
        connection.create_function("unixepoch", 1, lambda _unit: round(time.time(), 3))

    DBOS(config={"name": "alone", "system_database_engine": engine, "log_level": "ERROR"})

    @DBOS.step()
    async def step(number: int) -> int:
        return number + 1

    @DBOS.workflow()
    async def workflow() -> int:
        number = 0
        for _ in range(STEPS):
            number = await step(number)
        return number

    DBOS.launch()
    try:
        return asyncio.run(per_step(workflow, count))
    finally:
        DBOS.destroy()


def project(folder: Path, count: int) -> float:
    """The engine as this project sets it up for its workers."""
    from dbos import DBOS  # noqa: PLC0415

    from portfolio_project.settings import Settings  # noqa: PLC0415
    from portfolio_project.workflow.engine import launched  # noqa: PLC0415

    @DBOS.step(name="add")
    async def step(number: int) -> int:
        return number + 1

    @DBOS.workflow(name="add_ten")
    async def workflow() -> int:
        number = 0
        for _ in range(STEPS):
            number = await step(number)
        return number

    with launched(Settings(data_dir=folder), "bench", "1"):
        return asyncio.run(per_step(workflow, count))


def tool(folder: Path, count: int) -> float:
    """The agent's look-up of an order, with its line in the ticket's story."""
    from dbos import DBOS  # noqa: PLC0415

    from portfolio_project.agent.steps import Desk, run_tool  # noqa: PLC0415
    from portfolio_project.demo import found_company  # noqa: PLC0415
    from portfolio_project.settings import Settings  # noqa: PLC0415
    from portfolio_project.workflow.engine import launched  # noqa: PLC0415
    from portfolio_project.world import desk  # noqa: PLC0415
    from portfolio_project.world.engine import open_engine  # noqa: PLC0415

    settings = Settings(data_dir=folder)
    found_company(settings)
    engine = open_engine(settings.world_url)
    numbers = iter(range(1_000_000))

    @DBOS.workflow(name="look_up")
    async def look_up(ticket: str) -> None:
        where = Desk(engine, "demo", ticket, "somebody")
        for at in range(STEPS):
            await run_tool(where, f"call-{at}", "get_order", {"order_id": "ORD-12345"})

    async def workflow() -> None:
        await look_up(f"TCK-{next(numbers):06d}")

    for number in range(WARM_UP + count):
        desk.open_ticket(engine, "demo", f"TCK-{number:06d}", "somebody", "")
    with launched(settings, "bench", "1"):
        spent = asyncio.run(per_step(workflow, count))
    engine.dispose()
    return spent


def langgraph(folder: Path, count: int) -> float:
    """LangGraph with its SQLite checkpointer, which sets WAL; every step is kept when it ends."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver  # noqa: PLC0415
    from langgraph.graph import END, START, StateGraph  # noqa: PLC0415

    async def step(number: int) -> int:
        return number + 1

    graph = StateGraph(int)
    names = [START, *(f"step-{at}" for at in range(STEPS)), END]
    for name in names[1:-1]:
        graph.add_node(name, step)
    for first, second in itertools.pairwise(names):
        graph.add_edge(first, second)
    numbers = iter(range(1_000_000))

    async def run() -> float:
        async with AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver:
            app = graph.compile(checkpointer=saver)

            async def workflow() -> object:
                thread = {"configurable": {"thread_id": str(next(numbers))}}
                return await app.ainvoke(0, thread, durability="sync")

            return await per_step(workflow, count)

    return asyncio.run(run())


WAYS: dict[str, Callable[[Path, int], float]] = {
    "bare": bare,
    "dbos_alone": dbos_alone,
    "project": project,
    "tool": tool,
    "langgraph": langgraph,
}


def turn(way: str, count: int) -> float:
    """Measure one way in a process and a folder of its own; returns microseconds a step."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--way", way, "--folder", folder]
        done = subprocess.run(
            [*command, "--workflows", str(count)], check=True, stdout=subprocess.PIPE
        )
    return float(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workflows", type=int, default=40)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.way:
        logging.disable(logging.WARNING)
        print(json.dumps(WAYS[chosen.way](chosen.folder, chosen.workflows)))
        return
    if importlib.util.find_spec("langgraph") is None:
        print("steps: not measured, for LangGraph is not installed: uv sync --group bench")
        return
    best = dict.fromkeys(WAYS, float("inf"))
    for _ in range(chosen.turns):
        for way in WAYS:
            best[way] = min(best[way], turn(way, chosen.workflows))
    report = {
        "steps": STEPS,
        "workflows": chosen.workflows,
        "turns": chosen.turns,
        "ways": {
            way: {"us": spent, "ratio": spent / best["dbos_alone"]} for way, spent in best.items()
        },
    }
    save_report(REPORT, report)
    for way, told in report["ways"].items():
        print(f"{way:<12}{told['us']:>10.1f} us a step {told['ratio']:>8.2f}x DBOS alone")
    print(f"written to {REPORT}")


if __name__ == "__main__":
    main()
