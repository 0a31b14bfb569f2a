"""A PostgreSQL server of one's own for as long as it is needed, or a database on one that is there.

TEST_POSTGRES_URL=postgresql+psycopg://user:password@host:5432/postgres names a running server;
otherwise the binaries of an installed PostgreSQL start one in a scratch folder, reachable through a
socket in that folder alone.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

VARIABLE = "TEST_POSTGRES_URL"
_DEBIAN = Path("/usr/lib/postgresql")
_OPTIONS = "-c listen_addresses='' -c max_connections=200"


class NoPostgresError(Exception):
    """There is no server and none can be started; the text says what is missing."""


@contextmanager
def server() -> Iterator[URL]:
    """Yield the address of a server's maintenance database.

    Raises:
        NoPostgresError: none is named, and none is installed.
    """
    if named := os.environ.get(VARIABLE):
        yield make_url(named)
        return
    binaries, user = _binaries(), _user()
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-s"]
        make = [str(binaries / "initdb"), "-D", str(data), "-U", "desk", "-A", "trust", "-N"]
        _run([*make, "--locale=C", "--encoding=UTF8"], user)
        options = f"-k {folder} {_OPTIONS}"
        _run([*control, "-l", str(folder / "log"), "-o", options, "start"], user)
        try:
            query = {"host": str(folder)}
            yield URL.create(
                "postgresql+psycopg", username="desk", database="postgres", query=query
            )
        finally:
            _run([*control, "-m", "immediate", "stop"], user)


@contextmanager
def database(at: URL) -> Iterator[str]:
    """Make an empty database on a server and yield its URL; it is dropped afterwards."""
    name = f"desk_{uuid.uuid4().hex[:12]}"
    plain = at.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield at.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _binaries() -> Path:
    found = shutil.which("pg_ctl")
    if found is not None and shutil.which("initdb") is not None:
        return Path(found).parent
    for folder in sorted(_DEBIAN.glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    raise NoPostgresError(f"install PostgreSQL, or name a server in {VARIABLE}")


def _user() -> str | None:
    """Return whose the server has to be: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise NoPostgresError("PostgreSQL refuses to run as root, and there is no user for it")


def _run(command: list[str], user: str | None) -> None:
    done = subprocess.run(
        command,
        check=False,
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    if done.returncode:
        raise NoPostgresError(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
