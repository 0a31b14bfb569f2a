"""Records and workflows on PostgreSQL by one URL: the same desk, the same promises."""

import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest
import throwaway_postgres
from house import ServiceProcess, wait_until
from sqlalchemy import func, select

from portfolio_project import demo, settings
from portfolio_project.serving import load_settings
from portfolio_project.tickets.draw import draw_company
from portfolio_project.world import audit, desk, tables
from portfolio_project.world.engine import (
    open_engine,
    reading,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TEXT = "I need write access to the production database."
URL_VARIABLE = "PORTFOLIO_PROJECT_DATABASE_URL"
LAB = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import crash_lab
from portfolio_project.agent import steps

def deadly(*given, act=steps.act):
    act(*given)
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[3] == "deadly":
    steps.act = deadly
crash_lab.child(Path(sys.argv[2]), 0)
"""
"""A worker that, if deadly, dies between a write's commit and the engine's record of it."""
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def server():
    try:
        with throwaway_postgres.server() as address:
            yield address
    except throwaway_postgres.NoPostgresError as reason:
        pytest.skip(str(reason))


@contextmanager
def company(server, workspace):
    """Make an empty database with the demo's company in it."""
    with throwaway_postgres.database(server) as url:
        chosen = load_settings(settings.Settings, data_dir=workspace, database_url=url)
        demo.found_company(chosen)
        yield chosen.database_url


@pytest.fixture
def database_url(server, workspace):
    with company(server, workspace) as url:
        yield url


@pytest.fixture
def world(database_url):
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def requester():
    return next(s["email"] for s in draw_company(7)["employees"] if s["department"] == "support")


def counts(world):
    """How many rows a ticket has left behind, and whether the log of it holds."""
    with reading(world) as connection:
        assert audit.verify(connection, "demo").intact
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (tables.grants, tables.effects, tables.approvals)
        }


def state_of(world, ticket):
    with reading(world) as connection:
        return desk.ticket_row(connection, "demo", ticket).state


def test_a_worker_killed_after_its_effect_repeats_nothing(
    database_url, workspace, world, requester, monkeypatch
):
    monkeypatch.setenv(URL_VARIABLE, database_url)
    before = counts(world)
    desk.open_ticket(world, "demo", "TCK-5000", requester, TEXT)

    left = []
    for manner, code in (("deadly", -signal.SIGKILL), ("calm", 0)):
        command = [sys.executable, "-c", LAB, TESTS, workspace, manner]
        assert subprocess.run(command, check=False, timeout=90).returncode == code
        left.append({name: count - before[name] for name, count in counts(world).items()})

    assert left == [{"grants": 1, "effects": 1, "approvals": 1}] * 2
    assert state_of(world, "TCK-5000") == "closed"
    calls = (workspace / "calls.log").read_text().splitlines()
    assert len(calls) == len(set(calls)), "a model call that had finished was made again"


def test_the_whole_service_is_killed_while_a_person_thinks(
    database_url, workspace, world, requester
):
    command = [sys.executable, "-m", "portfolio_project", "serve"]
    given = {"DATABASE_URL": database_url, "WORKERS": "1", "CONFIDENCE_THRESHOLD": "0"}
    before = counts(world)

    first = ServiceProcess(command, workspace.parent, **given)
    try:
        new = {"requester": requester, "text": TEXT}
        ticket = httpx2.post(f"{first.url}/v1/tickets", json=new).json()["id"]
        wait_until(lambda: state_of(world, ticket) == "waiting", "the question to a person", 120)
        first.signal(signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
    finally:
        first.close()
    second = ServiceProcess(command, workspace.parent, **given)
    try:
        (wanted,) = httpx2.get(f"{second.url}/v1/approvals").json()["items"]
        decision = f"{second.url}/v1/approvals/{wanted['id']}/decision"
        assert httpx2.post(decision, json={"approve": True}).status_code == 200
        wait_until(lambda: state_of(world, ticket) == "closed", "the ticket's end", 120)
        told = httpx2.get(f"{second.url}/v1/tickets/{ticket}").json()
    finally:
        second.close()

    assert told["outcome"] == "resolved"
    left = {name: count - before[name] for name, count in counts(world).items()}
    assert left == {"grants": 1, "effects": 1, "approvals": 1}


def test_the_server_is_gone_for_a_while_in_the_middle_of_a_ticket(workspace, requester):
    """It is taken away twice: while a worker works, and while a person thinks."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(throwaway_postgres.own_server())
        except throwaway_postgres.NoPostgresError as reason:
            pytest.skip(str(reason))
        database_url = stack.enter_context(company(server.url, workspace))
        world = open_engine(database_url)
        stack.callback(world.dispose)
        before = counts(world)
        command = [sys.executable, "-m", "portfolio_project", "serve"]
        given = {"DATABASE_URL": database_url, "WORKERS": "1", "CONFIDENCE_THRESHOLD": "0"}
        service = ServiceProcess(command, workspace.parent, **given)
        stack.callback(service.close)

        told = worked_with_two_outages(service.url, server, world, requester)

        assert told["outcome"] == "resolved"
        left = {name: count - before[name] for name, count in counts(world).items()}
        assert left == {"grants": 1, "effects": 1, "approvals": 1}


def worked_with_two_outages(url, server, world, requester):
    """Open a ticket and see it through; return what is told of it at its end."""
    new = {"requester": requester, "text": TEXT}
    ticket = httpx2.post(f"{url}/v1/tickets", json=new).json()["id"]
    wait_until(lambda: state_of(world, ticket) != "queued", "a worker", 120)
    server.stop()
    away = httpx2.get(f"{url}/v1/tickets/{ticket}")
    ready = httpx2.get(f"{url}/health/ready")
    assert (away.status_code, away.json()["type"]) == (503, "urn:problem:records-away")
    assert (ready.status_code, ready.json()["checks"]["records"]) == (503, "failed")
    time.sleep(1)
    server.start()
    wait_until(lambda: state_of(world, ticket) == "waiting", "the question to a person", 120)
    server.stop()
    time.sleep(1)
    server.start()
    ready = f"{url}/health/ready"
    wait_until(lambda: httpx2.get(ready).status_code == 200, "the records to be back")
    (wanted,) = httpx2.get(f"{url}/v1/approvals").json()["items"]
    decision = f"{url}/v1/approvals/{wanted['id']}/decision"
    assert httpx2.post(decision, json={"approve": True}).status_code == 200
    wait_until(lambda: state_of(world, ticket) == "closed", "the ticket's end", 120)
    return httpx2.get(f"{url}/v1/tickets/{ticket}").json()
