"""Tells the stories of the fault table, each in a folder of its own, and prints what came of it.

    python fault_lab.py FOLDER REQUESTER

A line of JSON for each story: its name, the exit codes of its workers, and what is left behind.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

from crash_lab import (
    PATIENCE,
    TENANT,
    TICKET,
    approve_all,
    child,
    fork,
    fresh,
    join,
    left_in,
    open_ticket,
)
from dbos import DBOS
from faulty_model import ANSWERS, SILENT, faulty

from portfolio_project import demo
from portfolio_project.serving import load_settings
from portfolio_project.settings import Settings
from portfolio_project.workflow import engine
from portfolio_project.world import clock, desk
from portfolio_project.world import engine as world_engine
from portfolio_project.world.engine import (
    open_engine,
    reading,
)

TEXT = "I need write access to the production database."
BOUNDARIES = range(1, 17)
SKEW = timedelta(days=2)


def calm(folder: Path) -> list[int]:
    """Nothing happens."""
    return [join(fork(partial(child, folder)))]


def killed(step: int, folder: Path) -> list[int]:
    """The worker is killed at a step boundary, and another takes up what it left."""
    return [join(fork(partial(child, folder, at))) for at in (step, 0)]


def restarted(folder: Path, shift: timedelta | None = None) -> list[int]:
    """The worker is killed while a person thinks; the person decides while there is none.

    With `shift`, the clock of the second worker is wrong by that much.
    """
    first = fork(partial(child, folder, decide=False))
    world = open_engine(f"sqlite:///{folder / 'world.db'}")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and state_of(world) != "waiting":
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(first, signal.SIGKILL)
    codes = [join(first)]
    approve_all(world)
    world.dispose()

    def second() -> None:
        if shift is not None:
            true, now = time.time, clock.now
            time.time = lambda: true() + shift.total_seconds()
            for module in (desk, clock):
                module.now = lambda: now() + shift
        child(folder)

    return [*codes, join(fork(second))]


def doubled(folder: Path) -> list[int]:
    """Two workers; the ticket and the decision are delivered again and again."""
    world = open_engine(f"sqlite:///{folder / 'world.db'}")
    workers = [fork(partial(child, folder, name=name)) for name in ("worker-1", "worker-2")]
    settings = load_settings(Settings, data_dir=folder, workers=0)
    again = fork(partial(_deliver_again, settings))
    codes = [join(pid) for pid in (*workers, again)]
    world.dispose()
    return codes


def _deliver_again(settings: Settings) -> None:
    dispatcher = engine.Dispatcher(settings)
    world = open_engine(settings.world_url)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and state_of(world) != "closed":
        dispatcher.submit(TENANT, TICKET)
        with reading(world) as connection:
            keys = list(connection.exec_driver_sql("SELECT id FROM approvals").scalars())
        for key in keys:
            dispatcher.decided(TENANT, TICKET, key)
        time.sleep(0.05)


def locked(folder: Path) -> list[int]:
    """Somebody holds the lock on the records for longer than a statement waits for it."""

    def run() -> None:
        impatient = tuple(p for p in world_engine._PRAGMAS if "timeout" not in p)
        world_engine._PRAGMAS = (*impatient, "busy_timeout=50")
        child(folder, decide=False)

    worker = fork(run)
    world = open_engine(f"sqlite:///{folder / 'world.db'}")
    time.sleep(0.5)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and state_of(world) != "closed":
        holder = sqlite3.connect(folder / "world.db", isolation_level=None, timeout=5)
        holder.execute("BEGIN IMMEDIATE")
        time.sleep(0.4)
        holder.execute("ROLLBACK")
        holder.close()
        approve_all(world)
        time.sleep(0.3)
    world.dispose()
    return [join(worker)]


def state_of(world) -> str:
    """Return where the ticket stands."""
    with reading(world) as connection:
        return desk.ticket_row(connection, TENANT, TICKET).state


def tell(name: str, folder: Path, codes: list[int], ticket: str = TICKET, **more: object) -> None:
    """Print how a story ended."""
    told = {"story": name, "codes": codes, **left_in(folder, ticket), **more}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


STORIES = {
    "calm": calm,
    **{f"killed-{step}": partial(killed, step) for step in BOUNDARIES},
    "restarted": restarted,
    "fast": partial(restarted, shift=SKEW),
    "slow": partial(restarted, shift=-SKEW),
    "doubled": doubled,
    "locked": locked,
}


def models(base: Path, requester: str, fallback: str) -> None:
    """A ticket for each fault of a model, all worked at once by one worker."""
    name = "fallback" if fallback else "model"
    folder = fresh(base, name)
    chosen = SILENT if fallback else tuple(ANSWERS)
    faults = [*chosen, *(f"{fault}@work" for fault in chosen)]
    tickets = tuple(f"TCK-{6_000 + at}" for at in range(len(faults)))
    for ticket, fault in zip(tickets, faults, strict=True):
        open_ticket(folder, f"{fault}\n\n{TEXT}", requester, ticket)
    with faulty() as (url, asked):
        given = {
            "model": "openai:faulty",
            "model_url": url,
            "model_timeout_seconds": 1.0,
            "fallback_model": fallback,
            "confidence_threshold": 0.0,
            "worker_concurrency": len(faults),
        }
        code = join(fork(partial(child, folder, tickets=tickets, **given)))
    for ticket, fault in zip(tickets, faults, strict=True):
        tell(f"{name}-{fault}", folder, [code], ticket, asked=asked[fault])


def main() -> None:
    base, requester = Path(sys.argv[1]), sys.argv[2]
    settings = load_settings(Settings, data_dir=base, workers=0)
    demo.found_company(settings)
    DBOS.migrate(settings.workflows_url)
    for fallback in ("", "local"):
        models(base, requester, fallback)
    open_ticket(base, TEXT, requester)
    for name, story in STORIES.items():
        folder = fresh(base, name)
        tell(name, folder, story(folder))
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
