"""A worker in a process that may be killed, and what it leaves in the records.

Imported by the labs that tell stories with it (`fault_lab.py`): everything is loaded once there and
each worker is a fork, so that a try costs as little as possible.
"""

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dbos._sys_db import SystemDatabase

from portfolio_project.policy_model import model
from portfolio_project.serving import load_settings
from portfolio_project.settings import Settings
from portfolio_project.workflow import engine, sweep, worker
from portfolio_project.world import audit, desk
from portfolio_project.world.engine import (
    open_engine,
    reading,
    writing,
)

TENANT, TICKET = "demo", "TCK-5000"
PATIENCE = 150.0


def child(
    folder: Path,
    crash_at: int = 0,
    *,
    name: str = "worker-1",
    tickets: tuple[str, ...] = (TICKET,),
    decide: bool = True,
    **overrides: object,
) -> None:
    """Work until all `tickets` are closed, or until the engine records its `crash_at`-th result.

    The moment of the crash is the worst one: the effect is there, the engine's record is not.
    """
    settings = load_settings(Settings, data_dir=folder, workers=0, **overrides)
    _count_model_calls(folder)
    _crash(crash_at)
    stop = threading.Event()
    attend = partial(_attend, settings, tickets, stop, decide=decide)
    threading.Thread(target=attend, daemon=True).start()
    worker.work(settings, stop, name)


def _count_model_calls(folder: Path) -> None:
    answer = model.PolicyModel.answer

    def counted(self, messages, tools):
        call = answer(self, messages, tools)
        with (folder / "calls.log").open("a") as log:
            log.write(f"{call.tool} {json.dumps(call.arguments, sort_keys=True)}\n")
        return call

    model.PolicyModel.answer = counted


def _crash(crash_at: int) -> None:
    for name in ("record_operation_result", "record_operation_result_async"):
        record = getattr(SystemDatabase, name, None)
        if record is None:
            continue

        def killing(self, *given, _record=record, **named):
            killing.count += 1
            if crash_at and killing.count == crash_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return _record(self, *given, **named)

        killing.count = 0
        setattr(SystemDatabase, name, killing)


def _attend(
    settings: Settings, tickets: tuple[str, ...], stop: threading.Event, *, decide: bool
) -> None:
    """Be the person who approves, and the sweeper; stop when the tickets have their end."""
    world = open_engine(settings.world_url)
    end = time.monotonic() + PATIENCE
    dispatcher = engine.Dispatcher(settings)
    for ticket in tickets:
        dispatcher.submit(TENANT, ticket)
    while time.monotonic() < end:
        if decide:
            approve_all(world)
        sweep.sweep(world, dispatcher)
        if all(_ended(world, dispatcher, ticket) for ticket in tickets):
            break
        time.sleep(0.05)
    stop.set()


def approve_all(world) -> int:
    """Approve whatever waits; return how much that was."""
    with reading(world) as connection:
        keys = list(
            connection.exec_driver_sql("SELECT id FROM approvals WHERE state = 'waiting'").scalars()
        )
    for key in keys:
        with writing(world, TENANT) as connection:
            desk.decide(connection, TENANT, key, approve=True, by="person")
    return len(keys)


def _ended(world, dispatcher: engine.Dispatcher, ticket: str) -> bool:
    with reading(world) as connection:
        closed = desk.ticket_row(connection, TENANT, ticket).state == "closed"
    workflow = dispatcher._client.retrieve_workflow(engine.name_of(TENANT, ticket))
    return closed and workflow.get_status().status == "SUCCESS"


def open_ticket(folder: Path, text: str, requester: str, ticket: str = TICKET) -> None:
    """Record a ticket, as the API does before it hands it to the queue."""
    world = open_engine(f"sqlite:///{folder / 'world.db'}")
    desk.open_ticket(world, TENANT, ticket, requester, text)
    world.dispose()


def left_in(folder: Path, ticket: str = TICKET) -> dict[str, object]:
    """Return what the records hold when all is over."""
    world = open_engine(f"sqlite:///{folder / 'world.db'}")
    with reading(world) as connection:
        told = {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in ("grants", "effects", "approvals", "refunds", "purchases")
        }
        row = desk.ticket_row(connection, TENANT, ticket)
        intact = audit.verify(connection, TENANT).intact
    world.dispose()
    log = folder / "calls.log"
    calls = log.read_text().splitlines() if log.exists() else []
    ends = {"outcome": row.outcome, "summary": row.summary}
    return {**told, **ends, "audit": intact, "calls": calls}


def fresh(base: Path, name: str) -> Path:
    """Return a copy of a folder."""
    folder = base.with_name(f"{base.name}-{name}")
    shutil.copytree(base, folder)
    return folder


def fork(run: Callable[[], None]) -> int:
    """Run something in a process of its own; return its id."""
    pid = os.fork()
    if pid == 0:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - told to the parent by the exit code
            sys.stderr.write(f"{error!r}\n")
            os._exit(3)
        os._exit(0)
    return pid


def join(pid: int) -> int:
    """Wait for a process; return its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
