"""How many tickets the workers get through, and how long one takes: SQLite and PostgreSQL.

Tickets of the evaluation, each in a company of its own, are worked by 1, 4 and 16 worker processes.
As many are open at once as the workers take (four each): when one has its end, or waits for a
person, the next is opened. How long a ticket took is read from its own record.

    python benchmarks/bench_throughput.py [--tickets N] [--engines sqlite postgres]

PostgreSQL is the server that TEST_POSTGRES_URL names, or one that is started for the occasion.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import Engine, func, select

from portfolio_project.evaluation import dataset
from portfolio_project.provenance import Registry, save_report
from portfolio_project.settings import Settings
from portfolio_project.tickets.trace import settle
from portfolio_project.training import ingest, train
from portfolio_project.workflow.engine import Dispatcher
from portfolio_project.world import desk, tables
from portfolio_project.world.engine import (
    migrate,
    open_engine,
    reading,
)

# The server to throw away is the one of the tests.
sys.path.append(str(Path(__file__).parents[1] / "tests"))
import throwaway_postgres

PROGRAM = [sys.executable, "-m", "portfolio_project"]
REPORT = Path("var/reports/throughput.json")
WORKERS = (1, 4, 16)
AT_ONCE = 4
TICKET = "TCK-7000"
PATIENCE_SECONDS = 200.0
_DONE = ("closed", "approval_wanted")


@contextmanager
def workers(settings: Settings, count: int, log: Path) -> Generator[None]:
    """Run worker processes, and come back when all of them take tickets."""
    at_once = str(settings.worker_concurrency)
    environment = {
        **os.environ,
        "PORTFOLIO_PROJECT_DATA_DIR": str(settings.data_dir),
        "PORTFOLIO_PROJECT_DATABASE_URL": settings.database_url,
        "PORTFOLIO_PROJECT_WORKER_CONCURRENCY": at_once,
        "PORTFOLIO_PROJECT_WORKERS": str(count),
        "PORTFOLIO_PROJECT_LOG_FORMAT": "json",
    }
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [sys.executable, __file__, "--fork", str(count)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
        )
        try:
            end = time.monotonic() + PATIENCE_SECONDS
            while log.read_bytes().count(b'"working"') < count:
                if time.monotonic() > end or process.poll() is not None:
                    sys.exit(f"the workers did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def fork_workers(count: int) -> None:
    """Be the workers: everything is loaded once, then each gets a process of its own."""
    from portfolio_project.lifeline import stop_event  # noqa: PLC0415
    from portfolio_project.serving.logs import (  # noqa: PLC0415
        configure_logging,
    )
    from portfolio_project.workflow import worker  # noqa: PLC0415

    stop = stop_event()
    settings = Settings()
    configure_logging(settings)
    children: list[int] = []
    for number in range(count):
        child = os.fork()
        if not child:
            worker.work(settings, stop, f"worker-{number}")
            os._exit(0)
        children.append(child)
    stop.wait()
    for child in children:
        os.kill(child, signal.SIGTERM)
    for child in children:
        os.waitpid(child, 0)


def work_all(settings: Settings, engine: Engine, cases: list[dataset.Case], open_: int) -> float:
    """Keep `open_` tickets under way until all are worked; returns seconds of wall time."""
    dispatcher = Dispatcher(settings)
    started = time.monotonic()
    opened = 0
    while (done := _worked(engine)) < len(cases):
        if time.monotonic() - started > PATIENCE_SECONDS * 2:
            sys.exit(f"only {done} of {len(cases)} tickets were worked")
        while opened < min(done + open_, len(cases)):
            case = cases[opened]
            desk.open_ticket(engine, case.id, TICKET, case.task.requester, case.text)
            dispatcher.submit(case.id, TICKET)
            opened += 1
        time.sleep(0.02)
    spent = time.monotonic() - started
    dispatcher.close()
    return spent


def _worked(engine: Engine) -> int:
    with reading(engine) as connection:
        tickets = select(func.count(func.distinct(tables.events.c.tenant)))
        return int(connection.execute(tickets.where(tables.events.c.kind.in_(_DONE))).scalar_one())


def latencies(engine: Engine) -> list[float]:
    """Seconds from the opening of each ticket to its end, or to its question; shortest first."""
    with reading(engine) as connection:
        rows = connection.execute(select(tables.events.c["tenant", "kind", "at"])).all()
    opened = {row.tenant: row.at for row in rows if row.kind == "opened"}
    ended: dict[str, object] = {}
    for row in rows:
        if row.kind in _DONE:
            ended[row.tenant] = min(ended.get(row.tenant, row.at), row.at)
    return sorted((ended[tenant] - at).total_seconds() for tenant, at in opened.items())


def measure(url: str, model: Path, count: int, cases: list[dataset.Case]) -> dict[str, float]:
    """Work all cases with `count` workers on an empty database."""
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(model, folder / "registry")
        settings = Settings(data_dir=folder, database_url=url, worker_concurrency=AT_ONCE)
        engine = open_engine(settings.world_url)
        migrate(engine)
        for case in cases:
            settle(engine, case.id, case.task)
        before = _cpu_of_workers()
        with workers(settings, count, folder / "workers.log"):
            spent = work_all(settings, engine, cases, count * AT_ONCE)
        cpu = _cpu_of_workers() - before
        taken = latencies(engine)
        engine.dispose()
    return {
        "tickets_per_second": len(cases) / spent,
        "p50_seconds": taken[len(taken) // 2],
        "p99_seconds": taken[min(len(taken) - 1, int(len(taken) * 0.99))],
        "worker_cpu_seconds_a_ticket": cpu / len(cases),
        "load_before": busy,
    }


def _cpu_of_workers() -> float:
    """Seconds of CPU of all workers that have ended, their start included."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def small_model(folder: Path) -> Path:
    """Train a small model that serves; returns its registry."""
    ingest.ingest(folder / "data", ingest.CorpusConfig(tickets=1_600, traced=300))
    registry = Registry(folder / "registry")
    train.train(folder / "data", folder / "models", registry, train.TrainConfig())
    return folder / "registry"


def kept(same: dict[str, int | None]) -> dict[str, object]:
    """Return what was measured before on the same tickets: the other engine, perhaps."""
    if not REPORT.exists():
        return {}
    before: dict[str, object] = json.loads(REPORT.read_bytes())
    return before if before.items() >= same.items() else {}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tickets", type=int, default=120)
    parser.add_argument(
        "--engines", nargs="+", choices=("sqlite", "postgres"), default=["sqlite", "postgres"]
    )
    parser.add_argument("--registry", type=Path, help="of a model that serves; else one is trained")
    parser.add_argument("--fork", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.fork:
        fork_workers(chosen.fork)
        return
    cases = [c for c in dataset.load() if c.split in {"familiar", "held_out"}][: chosen.tickets]
    same = {"tickets": len(cases), "at_once_each": AT_ONCE, "cores": os.cpu_count()}
    report: dict[str, object] = {**kept(same), **same}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        model = chosen.registry or small_model(Path(name))
        for kind in chosen.engines:
            server = None
            if kind == "postgres":
                try:
                    server = stack.enter_context(throwaway_postgres.server())
                except throwaway_postgres.NoPostgresError as reason:
                    sys.exit(f"throughput: {reason}, or leave it out: --engines sqlite")
            told = {}
            for count in WORKERS:
                with throwaway_postgres.database(server) if server else _nothing() as url:
                    told[str(count)] = measure(url, model, count, cases)
                line = "  ".join(f"{key} {value:.2f}" for key, value in told[str(count)].items())
                print(f"{kind:<9}{count:>3} workers  {line}", flush=True)
            report[kind] = told
    save_report(REPORT, report)
    print(f"written to {REPORT}")


@contextmanager
def _nothing() -> Generator[str]:
    yield ""


if __name__ == "__main__":
    main()
