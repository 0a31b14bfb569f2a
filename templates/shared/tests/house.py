"""Fixtures and helpers that the tests of every room share.

The family's conftest.py loads them with `pytest_plugins = ["house"]`, and gives a fixture of its
own: `make_settings`, a function from overrides to the settings of the family's application.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import pytest
from hypothesis import settings as hypothesis_settings

from portfolio_project.serving import (
    Service,
    ServingSettings,
    in_thread,
    load_settings,
)

# The same examples in every run; no deadline, because machines differ.
hypothesis_settings.register_profile("house", derandomize=True, database=None, deadline=None)
hypothesis_settings.load_profile("house")

PEPPER = "pepper-" * 6
PATIENCE_SECONDS = 60.0


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until `condition` holds, or fail and say what did not come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.01)


def sample_settings(folder: Path, **overrides: object) -> ServingSettings:
    """Return settings for the sample service, with its files under `folder`."""
    defaults = {"data_dir": folder / "var", "log_format": "json"}
    return load_settings(ServingSettings, **(defaults | overrides))


class ServiceProcess:
    """A service in a process of its own, to be signalled and killed."""

    def __init__(self, command: list[str], folder: Path, **environment: str) -> None:
        self.log_path = folder / "service.log"
        self._log = self.log_path.open("ab")
        self._seen = self.log_path.stat().st_size
        prefix = "PORTFOLIO_PROJECT_"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(prefix)}
        settings = {"PORT": "0", "DATA_DIR": str(folder / "var"), "LOG_FORMAT": "json"}
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean | prefixed(settings | environment),
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )

    def log(self) -> list[dict[str, object]]:
        """Return this process's log lines so far."""
        with self.log_path.open("rb") as file:
            file.seek(self._seen)
            lines = file.read().splitlines()
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    def events(self, name: str) -> list[dict[str, object]]:
        """Return the log lines of one event."""
        return [line for line in self.log() if line["event"] == name]

    @property
    def url(self) -> str:
        """The address, once the service is ready."""
        wait_until(self._serving, "the service to say where it serves")
        url = str(self.events("serving")[0]["url"])
        wait_until(lambda: _answers(f"{url}/health/ready"), "the service to be ready")
        return url

    def _serving(self) -> bool:
        assert self.process.poll() is None, self.log_path.read_text()
        return bool(self.events("serving"))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end; return the exit code."""
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        """End the process, however it stands."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._log.close()


def prefixed(settings: dict[str, str]) -> dict[str, str]:
    """Return environment variables; a name that is none of our settings stays as it is."""
    prefix = "PORTFOLIO_PROJECT_"
    return {k if k.startswith("SAMPLE_") else prefix + k: v for k, v in settings.items()}


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.TransportError:
        return False


def schemathesis(url: str, *options: str) -> None:
    """Run Schemathesis with all checks against a live service; fail with what it found.

    A family that has rules which no schema can say names them in `schemathesis.toml` beside this.
    """
    config = Path(__file__).with_name("schemathesis.toml")
    rules = ["--config-file", str(config)] if config.exists() else []
    command = [sys.executable, "-m", "schemathesis.cli", *rules, "run", f"{url}/openapi.json"]
    limits = ["--checks", "all", "--max-examples", "8", "--generation-deterministic"]
    with TemporaryDirectory() as scratch:
        run = subprocess.run(
            [*command, *limits, "--no-color", *options],
            capture_output=True,
            text=True,
            check=False,
            cwd=scratch,
            env=os.environ | {"COLUMNS": "120"},
            timeout=280,
        )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's environment and .env out of the tests."""
    for name in list(os.environ):
        if name.startswith("PORTFOLIO_PROJECT_"):
            monkeypatch.delenv(name)
    env_file = "portfolio_project.serving.settings.ENV_FILE"
    monkeypatch.setattr(env_file, tmp_path / ".env")


@pytest.fixture
def app_factory(make_settings: Callable[..., Any]) -> Callable[..., Service]:
    """Make the family's application, with settings of one's choice."""
    # The tests of the shared rooms do without the family's application.
    from portfolio_project.api import create_app  # noqa: PLC0415

    def make(**overrides: object) -> Service:
        return create_app(make_settings(**overrides))

    return make


@pytest.fixture
def live_server(app_factory: Callable[..., Service]) -> Iterator[str]:
    """The address of the family's application on a real socket."""
    with in_thread(app_factory()) as url:
        yield url


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Callable[..., ServiceProcess]]:
    """Start the sample service in its own process; ended when the test ends."""
    started: list[ServiceProcess] = []
    script = Path(__file__).with_name("sample_service.py")

    def start(**environment: str) -> ServiceProcess:
        started.append(ServiceProcess([sys.executable, str(script)], tmp_path, **environment))
        return started[-1]

    yield start
    for service in started:
        service.close()


@pytest.fixture
def unused_port() -> Iterator[int]:
    """Give a port where nobody listens; it is held, so that nobody else takes it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
