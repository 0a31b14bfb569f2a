"""The command line: what goes wrong is one line that says what to do, and the right exit code."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import httpx2
import pytest

MODULE = "portfolio_project"
DATA_DIR = "PORTFOLIO_PROJECT_DATA_DIR"
BRANCH = "PORTFOLIO_PROJECT_REVIEWED_BRANCH"
INDEX_URL = "PORTFOLIO_PROJECT_INDEX_URL"


def command(*arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", MODULE, *arguments],
        env={**os.environ, DATA_DIR: str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["index", "build"], "Run the commands `ingest` and `train`"),
        (["index", "restore", "nowhere"], "Name a file that `index snapshot` wrote"),
        (["record", "page.html"], "the index is empty|No model"),
        (["train", "--config", "nosuch"], "there is no configuration"),
        (["index", "recall", "--searches", "0"], "--help"),
        (["models", "rollback"], "earlier version"),
        (["models", "register", "nowhere"], "nowhere/run.json"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_work_is_told_in_one_line(tmp_path, arguments, says):
    done = command(*arguments, folder=tmp_path / "var")

    assert done.returncode == 2, done.stderr
    assert re.search(says, done.stderr.splitlines()[-1])
    assert "Traceback" not in done.stderr


def test_a_model_that_no_reviewed_branch_holds_stays_out(workspace):
    version = (workspace / "registry/current").read_text().strip()
    (workspace / "registry/current").unlink()
    (workspace / "registry/history.jsonl").unlink()

    done = command("models", "promote", version, folder=workspace, **{BRANCH: "no/such"})

    assert done.returncode == 2
    assert done.stderr.strip().endswith("git knows no 'no/such' here; fetch it")
    assert not (workspace / "registry/current").exists()
    assert command("models", "promote", version, folder=workspace).returncode == 0


def test_a_database_that_is_not_there_is_told_in_one_line(tmp_path, unused_port):
    url = f"postgresql://nobody@127.0.0.1:{unused_port}/nothing"

    done = command("index", "state", folder=tmp_path, **{INDEX_URL: url})

    assert done.returncode == 2
    assert "the index's database is not there" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_index_is_told_in_one_line(tmp_path):
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "index.db").write_text("this is no database, whatever its name says")

    done = command("index", "state", folder=tmp_path)

    assert done.returncode == 2
    assert "is no index" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def demo(workspace):
    """Start the demo on a workspace that has everything; yields its process and its address."""
    said = workspace / "said"
    with said.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, "demo", "--config=tiny", "--port=0"],
            env={**os.environ, DATA_DIR: str(workspace)},
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
    deadline = time.monotonic() + 60
    while not (found := re.search(r"Open (http://\S+) in", said.read_text())):
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield process, found[1]
    if process.poll() is None:
        process.kill()
    process.wait()


def test_the_demo_serves_what_is_there_and_ends_at_ctrl_c(demo):
    process, url = demo
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx2.get(f"{url}/health/ready").status_code == 200:
                break
        except httpx2.TransportError:
            assert time.monotonic() < deadline
        time.sleep(0.05)

    assert httpx2.get(f"{url}/v1/index").json()["documents"] == 64
    assert "<html" in httpx2.get(url).text
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


def test_a_port_that_is_taken_is_told_before_anything_is_done(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("demo", f"--port={port}", folder=tmp_path / "var")

    assert done.returncode == 2
    assert "choose another with --port" in done.stderr
    assert not (tmp_path / "var" / "data").exists()
