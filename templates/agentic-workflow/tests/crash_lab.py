"""Kills a worker at a step boundary, starts it again, and tells what came of the ticket.

    python crash_lab.py FOLDER TEXT REQUESTER STEP...

Each STEP is tried in a fresh copy of FOLDER: one process is killed (SIGKILL, by itself) when the
engine is about to record its STEP-th result, which is the worst moment: the effect is there, the
record is not. A second process takes up what the first left. Everything is imported once and then
forked, so that a try costs as little as possible.
"""

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from dbos import DBOS
from dbos._sys_db import SystemDatabase

from portfolio_project.policy_model import model
from portfolio_project.serving import load_settings
from portfolio_project.settings import Settings
from portfolio_project.workflow import engine, sweep, worker
from portfolio_project.world import desk
from portfolio_project.world.engine import (
    open_engine,
    reading,
    writing,
)

TENANT, TICKET = "demo", "TCK-5000"
PATIENCE = 60.0


def child(folder: Path, crash_at: int) -> None:
    """Work until the ticket is closed, or until the engine records its `crash_at`-th result."""
    settings = load_settings(Settings, data_dir=folder, workers=0)
    _count_model_calls(folder)
    _crash(crash_at)
    stop = threading.Event()
    threading.Thread(target=_attend, args=(settings, stop), daemon=True).start()
    worker.work(settings, stop, "worker-1")


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


def _attend(settings: Settings, stop: threading.Event) -> None:
    """Be the person who approves, and the sweeper; stop when the ticket has its end."""
    world = open_engine(settings.world_url)
    end = time.monotonic() + PATIENCE
    dispatcher = engine.Dispatcher(settings)
    dispatcher.submit(TENANT, TICKET)
    while time.monotonic() < end:
        with reading(world) as connection:
            row = desk.ticket_row(connection, TENANT, TICKET)
            waiting = connection.exec_driver_sql(
                "SELECT id FROM approvals WHERE state = 'waiting'"
            ).scalars()
            keys = list(waiting)
        for key in keys:
            with writing(world, TENANT) as connection:
                desk.decide(connection, TENANT, key, approve=True, by="person")
        sweep.sweep(world, dispatcher)
        if row.state == "closed" and _ended():
            break
        time.sleep(0.05)
    stop.set()


def _ended() -> bool:
    return DBOS.get_workflow_status(engine.name_of(TENANT, TICKET)).status == "SUCCESS"


def attempt(base: Path, step: int) -> dict[str, object]:
    """Kill at `step` (0: never), resume, and return what the records hold."""
    folder = base.with_name(f"{base.name}-{step}")
    shutil.copytree(base, folder)
    codes = [_fork(folder, step)] if step else []
    codes.append(_fork(folder, 0))
    world = open_engine(f"sqlite:///{folder / 'world.db'}")
    with reading(world) as connection:
        told = {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in ("grants", "effects", "approvals")
        }
        outcome = desk.ticket_row(connection, TENANT, TICKET).outcome
    world.dispose()
    calls = (folder / "calls.log").read_text().splitlines()
    shutil.rmtree(folder)
    return {"step": step, "codes": codes, "outcome": outcome, "calls": calls, **told}


def _fork(folder: Path, crash_at: int) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            child(folder, crash_at)
        except BaseException as error:  # noqa: BLE001 - told to the parent by the exit code
            sys.stderr.write(f"{error!r}\n")
            os._exit(3)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    base, text, requester, *steps = sys.argv[1:]
    settings = load_settings(Settings, data_dir=Path(base), workers=0)
    world = open_engine(settings.world_url)
    desk.open_ticket(world, TENANT, TICKET, requester, text)
    world.dispose()
    DBOS.migrate(settings.workflows_url)
    for step in steps:
        sys.stdout.write(json.dumps(attempt(Path(base), int(step))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
