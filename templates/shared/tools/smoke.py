"""Serve from the built wheel as a user would, ask the API what matters, and stop it politely.

Uses the standard library only. A model is trained in a scratch folder first, so that nothing in
var/ is read or changed; the server then runs from build/venv, which holds no training library, in
production mode with a key of its own.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class SmokeError(Exception):
    """The service does not do what its users rely on."""


class Answer(NamedTuple):
    """What a request brought back."""

    status: int
    media_type: str
    body: bytes


def ask(url: str, key: str = "") -> Answer:
    """GET `url`; an error status is an answer too. OSError when nobody listens."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            media_type = response.headers.get_content_type()
            return Answer(response.status, media_type, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers.get_content_type(), error.read())


def expect(url: str, status: int, key: str = "") -> Any:
    """Return the JSON document at `url`, or raise SmokeError when it answers otherwise."""
    answer = ask(url, key)
    media_type = "application/json" if status < 400 else "application/problem+json"
    if (answer.status, answer.media_type) != (status, media_type):
        found = f"{answer.status} {answer.media_type} {answer.body[:200]!r}"
        raise SmokeError(f"{url}: expected {status} {media_type}, found {found}")
    return json.loads(answer.body)


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def run(command: Path, *arguments: str, environment: dict[str, str]) -> str:
    """Run one of the project's commands to its end and return its stdout."""
    done = subprocess.run(
        [command, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = "\n".join(done.stderr.splitlines()[-10:])
        raise SmokeError(f"{command.name} {arguments[0]}: exit status {done.returncode}\n{last}")
    return done.stdout


def mint_key(command: Path, environment: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return a key that may do everything, and the settings under which it is known."""
    minted = run(command, "keys", "new", "--scopes=*", "--owner=smoke", environment=environment)
    key, *lines = minted.splitlines()
    pairs = (shlex.split(line)[0].partition("=") for line in lines)
    return key, {name: value for name, _, value in pairs}


@contextmanager
def serving(
    command: Path, environment: dict[str, str], log: Path
) -> Generator[subprocess.Popen[bytes]]:
    """Run `command serve` with its output in `log`; kill it if it is still there at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [command, "serve"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], base: str) -> float:
    """Return the seconds until /health/ready says yes."""
    start = time.monotonic()
    while time.monotonic() - start < START_SECONDS:
        if process.poll() is not None:
            raise SmokeError(f"the server stopped at start, with exit status {process.returncode}")
        try:
            if ask(f"{base}/health/ready").status == 200:
                return time.monotonic() - start
        except OSError:
            pass
        time.sleep(0.05)
    raise SmokeError(f"not ready after {START_SECONDS:.0f} s")


def plain_reads(schema: dict[str, Any]) -> list[str]:
    """Return the paths under /v1 that can be read without saying anything further."""
    return [
        path
        for path, operations in schema["paths"].items()
        if path.startswith("/v1/")
        and "{" not in path
        and "text/event-stream" not in json.dumps(operations.get("get", {}))
        and "get" in operations
        and not any(p.get("required") for p in operations["get"].get("parameters", []))
    ]


def question(base: str, key: str) -> int:
    """Ask for health, schema, metrics, data and errors; return how many reads answered."""
    expect(f"{base}/health/live", 200)
    schema = expect(f"{base}/openapi.json", 200)
    if not str(schema["openapi"]).startswith("3."):
        raise SmokeError(f"{base}/openapi.json is no OpenAPI document")
    paths = plain_reads(schema)
    if not paths:
        raise SmokeError("no path under /v1 can be read without parameters")
    for path in paths:
        expect(base + path, 401)
        expect(base + path, 200, key)
    expect(f"{base}/v1/no-such-thing", 404, key)
    if b"# TYPE" not in ask(f"{base}/metrics", key).body:
        raise SmokeError("/metrics has no metric")
    return len(paths)


def stop(process: subprocess.Popen[bytes]) -> float:
    """Send SIGTERM; return the seconds until the server has left with exit status 0."""
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        raise SmokeError(f"still running {STOP_SECONDS:.0f} s after SIGTERM") from None
    if status:
        raise SmokeError(f"exit status {status} after SIGTERM")
    return time.monotonic() - start


def refuses_to_be_open(command: Path, environment: dict[str, str]) -> None:
    """Raise SmokeError if the service starts for production with no key set."""
    done = subprocess.run(
        [command, "serve"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )
    if done.returncode == 0 or "Traceback" in done.stderr:
        raise SmokeError(f"production without keys: {done.returncode}\n{done.stderr[-500:]}")


def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))


def prefix() -> str:
    """Return the prefix of the environment variables that set the service."""
    package: str = project()["tool"]["uv"]["build-backend"]["module-name"]
    return f"{package.upper()}_"


def smoke(name: str, scratch: Path) -> str:
    """Do it all; return what was shown, for the closing line."""
    port, log = free_port(), scratch / "server.log"
    trained, built = Path(".venv/bin") / name, Path("build/venv/bin") / name
    if not built.exists():
        raise SmokeError(f"{built} is missing: run make gate-build")
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "DATA_DIR": str(scratch / "var")}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(prefix())}
    local = kept | {prefix() + key: value for key, value in settings.items()}
    for line in project()["tool"]["smoke"]["prepare"]:
        run(trained, *line.split(), environment=local)
    production = local | {f"{prefix()}ENVIRONMENT": "production"}
    refuses_to_be_open(built, production)
    key, known = mint_key(built, local)
    base = f"http://127.0.0.1:{port}"
    try:
        with serving(built, production | known, log) as process:
            started = wait_until_ready(process, base)
            reads = question(base, key)
            stopped = stop(process)
    except SmokeError as error:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
        raise SmokeError(f"{error}\nthe server's last lines:\n{last}") from None
    return (
        f"the built wheel was ready in {started:.1f} s, answered {reads} reads with a key and none"
        f" without, and stopped in {stopped:.1f} s"
    )


def main() -> int:
    """Print one closing line; return 1 when the service disappoints."""
    name = next(iter(project()["project"]["scripts"]))
    with tempfile.TemporaryDirectory(prefix="smoke-") as scratch:
        try:
            print(f"gate-smoke: ok: {smoke(name, Path(scratch))}")
        except SmokeError as error:
            print(f"{error}\ngate-smoke: failed")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
