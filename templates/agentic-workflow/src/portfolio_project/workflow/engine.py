"""The durable engine: DBOS on SQLite by default, on PostgreSQL by URL.

On SQLite it is given WAL; by default a step costs thirteen times as much.
"""

import logging
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import OperationalError

from ..settings import Settings
from ..world.engine import POSTGRES
from .telemetry import current_trace

QUEUE, WORK = "tickets", "work"
"""Tickets wait in the first for as long as they take; workers are bounded in the second."""
WORKFLOW = "work_ticket"
APP = "desk"
POLL_SECONDS = 0.2
"""How often workers look for work: shorter costs an idle one more than it gains a busy one."""
AT_FULL_PACE = 4
"""More workers than these look less often, so that all together ask no more of the database."""
_PRAGMAS = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")
_KNOWS_SUBSECONDS = (3, 42)


def _seconds(_unit: str) -> float:
    return round(time.time(), 3)


def workflows_engine(settings: Settings) -> Engine:
    """Return the engine of the database that holds the workflows' steps."""
    url = settings.workflows_url
    if not url.startswith("sqlite"):
        engine = create_engine(
            make_url(url), pool_pre_ping=True, pool_size=10, max_overflow=10, connect_args=POSTGRES
        )
        event.listen(engine, "handle_error", _tell_of_lost_server)
        return engine
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)

    def prepare(connection: Any, _record: object) -> None:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if sqlite3.sqlite_version_info < _KNOWS_SUBSECONDS:
            # From Python 3.12 on DBOS dates its rows by unixepoch('subsec'), which an older SQLite
            # (that of Debian 12, say) answers with NULL.
            connection.create_function("unixepoch", 1, _seconds)

    event.listen(engine, "connect", prepare)
    return engine


def _tell_of_lost_server(context: ExceptionContext) -> None:
    """Mark an error of the connection as one: DBOS waits for a server only where it sees that.

    It goes by the words of the message, and knows none of those for a socket that is not there.
    """
    error = context.original_exception
    if isinstance(context.sqlalchemy_exception, OperationalError):
        context.is_disconnect |= getattr(error, "sqlstate", "") is None


@contextmanager
def launched(settings: Settings, executor: str, version: str) -> Generator[Engine]:
    """Run the engine in this process; workflows that this executor left unfinished go on.

    Args:
        settings: where the steps are kept, and how many tickets are worked at once.
        executor: a stable name of this worker: what it had begun, it takes up again.
        version: of the workflow code; steps of another version are not mixed with it.
    """
    engine = workflows_engine(settings)
    config: DBOSConfig = {
        "name": APP,
        "system_database_engine": engine,
        "executor_id": executor,
        "application_version": version,
        "log_level": "WARNING",
        "use_listen_notify": not settings.workflows_url.startswith("sqlite"),
        "notification_listener_polling_interval_sec": POLL_SECONDS,
    }
    DBOS(config=config)
    DBOS.launch()
    try:
        for queue, at_once in ((QUEUE, None), (WORK, settings.worker_concurrency)):
            DBOS.register_queue(
                queue,
                worker_concurrency=at_once,
                polling_interval_sec=POLL_SECONDS * max(1, settings.workers / AT_FULL_PACE),
                on_conflict="always_update",
            )
        yield engine
    finally:
        DBOS.destroy(workflow_completion_timeout_sec=0)
        engine.dispose()


class Dispatcher:
    """Hands tickets and decisions to the workers. Needs no worker in its own process."""

    def __init__(self, settings: Settings) -> None:
        self._engine = workflows_engine(settings)
        logging.getLogger("dbos").setLevel(logging.WARNING)
        # The tables are made by whoever comes first, worker or API.
        DBOS.migrate(settings.workflows_url)
        self._client = DBOSClient(system_database_engine=self._engine, application_name=APP)

    def submit(self, tenant: str, ticket: str) -> None:
        """Queue a ticket; the second time for the same ticket changes nothing."""
        self._client.enqueue(
            {
                "workflow_name": WORKFLOW,
                "queue_name": QUEUE,
                "workflow_id": name_of(tenant, ticket),
            },
            tenant,
            ticket,
            current_trace(),
        )

    def decided(self, tenant: str, ticket: str, key: str) -> None:
        """Wake the workflow that waits for a decision."""
        topic = f"approval:{key}"
        self._client.send(
            name_of(tenant, ticket), "decided", topic, idempotency_key=f"{tenant}/{key}"
        )

    def cancel(self, tenant: str, ticket: str) -> None:
        """Stop a ticket's workflow, and what it has begun, before the next step."""
        self._client.cancel_workflow(name_of(tenant, ticket), cancel_children=True)

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()
        self._engine.dispose()


def name_of(tenant: str, ticket: str) -> str:
    """Return the workflow id of a ticket: one ticket, one workflow."""
    return f"{tenant}/{ticket}"
