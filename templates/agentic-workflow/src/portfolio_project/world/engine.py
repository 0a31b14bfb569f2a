"""Opens the company's database: SQLite in WAL mode by default, PostgreSQL by its URL."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import make_url

from .tables import metadata, tenants

_PRAGMAS = (
    "busy_timeout=30000",  # first: the next one may have to wait already
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
)
POSTGRES = {"connect_timeout": 5}
"""A server whose machine is gone is told of after 5 seconds, not when TCP gives up."""
_MIGRATIONS = Path(__file__).parent / "migrations"


class UnknownTenantError(LookupError):
    """There is no such tenant."""


def open_engine(url: str) -> Engine:
    """Return an engine for `url`, without touching the database yet.

    SQLite gets WAL with synchronous=NORMAL: a crash of the process loses nothing, a power cut may
    lose the last commits. Set a PostgreSQL URL where that matters.
    """
    if not url.startswith("sqlite"):
        return create_engine(
            url, pool_pre_ping=True, pool_size=10, max_overflow=20, connect_args=POSTGRES
        )
    database = make_url(url).database
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    # The driver's own transactions begin too late: reads before the first write would be unlocked.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Generator[Connection]:
    """Yield a connection that sees one consistent state."""
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine, tenant: str) -> Generator[Connection]:
    """Yield a connection whose transaction is the tenant's only writer, and commit it.

    Raises:
        UnknownTenantError: there is no such tenant.
    """
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        row = select(tenants.c.id).where(tenants.c.id == tenant).with_for_update()
        if connection.execute(row).first() is None:
            raise UnknownTenantError(tenant)
        yield connection


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; safe when several processes do it at once."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(748291)")
        config.attributes["connection"] = connection
        config.attributes["metadata"] = metadata
        command.upgrade(config, "head")
