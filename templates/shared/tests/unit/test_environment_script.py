"""make sets the environment up once, again when it must, and survives being stopped.

A stand-in for uv, first on PATH, records what it is asked and lays an empty environment down.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

COMPLETE = 'version = 1\n\n[[package]]\nname = "a"\nsource = { registry = "https://x.example" }\n'
SEED = 'version = 1\n\n[[package]]\nname = "a"\nversion = "1"\nsource = { registry = "." }\n'
STAND_IN = """#!/bin/sh
test "$1" = --version && { echo "uv 99.0.0"; exit; }
echo "$*" >>calls
mkdir -p .venv/bin
ln -sf PYTHON .venv/bin/python
test ! -e broken || exit 1
test ! -e slow || { touch started; exec sleep 60; }
"""


@pytest.fixture
def project(tmp_path, request):
    """Return a folder with a blank in its name that holds what the script reads."""
    folder = tmp_path / "a project"
    shutil.copytree(request.config.rootpath / "tools", folder / "tools")
    (folder / "bin").mkdir()
    uv = folder / "bin" / "uv"
    uv.write_text(STAND_IN.replace("PYTHON", sys.executable))
    uv.chmod(0o755)
    (folder / "pyproject.toml").write_text('requires-python = ">=3.11"\n')
    (folder / "requirements.lock").write_text("a==1\n")
    (folder / "uv.lock").write_text(COMPLETE)
    return folder


@pytest.fixture
def start(project):
    path = f"{project / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "UV_PYTHON": sys.executable}

    def run(*command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["sh", "tools/environment.sh", *command],
            cwd=project,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            # A shell that runs the tests in the background has had them ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    return run


@pytest.fixture
def calls(project, start):
    """Return a function that runs the script and returns (exit status, what uv was asked)."""

    def run():
        (project / "calls").unlink(missing_ok=True)
        with start() as process:
            status = process.wait(30)
        asked = project / "calls"
        return status, asked.read_text().splitlines() if asked.exists() else []

    return run


def test_a_complete_lock_is_synced_as_it_stands(calls):
    status, (only,) = calls()

    assert status == 0
    assert only.startswith("sync --quiet --locked ")


def test_a_seed_is_left_alone_and_the_hashed_requirements_are_installed(project, calls):
    (project / "uv.lock").write_text(SEED)

    status, asked = calls()

    assert status == 0
    assert (project / "uv.lock").read_text() == SEED
    assert not [line for line in asked if line.startswith(("sync", "lock"))]
    assert [line for line in asked if "--require-hashes requirements.lock" in line]


def test_nothing_is_done_twice(calls):
    calls()

    assert calls() == (0, [])


@pytest.mark.parametrize(
    "name", ["pyproject.toml", "uv.lock", "requirements.lock", ".python-version"]
)
def test_a_change_of_what_the_environment_is_made_from_makes_it_again(project, calls, name):
    calls()
    with (project / name).open("a") as file:
        file.write("\n")

    assert calls()[1]


def test_a_project_that_was_moved_gets_an_environment_that_knows_its_place(project, calls):
    calls()
    stamp = project / ".venv/.stamp"
    stamp.write_text(stamp.read_text().replace("a project", "elsewhere"))

    assert calls()[1]


def test_a_failed_set_up_is_taken_up_again(project, calls):
    (project / "broken").touch()
    failed, _ = calls()
    (project / "broken").unlink()

    assert failed != 0
    assert calls()[1]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_set_up_that_was_stopped_is_taken_up_again(project, start, calls, sent):
    (project / "slow").touch()
    with start() as process:
        deadline = time.monotonic() + 30
        while not (project / "started").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, sent)
        assert process.wait(30) != 0
    (project / "slow").unlink()

    assert not (project / ".venv/.stamp").exists()
    assert calls()[1]


def test_where_uv_can_not_be_fetched_it_says_what_to_do_and_leaves_nothing(project):
    tools = project / "without uv"
    tools.mkdir()
    for tool in ("sh", "sed", "cat", "cksum", "grep", "dirname", "rm"):
        (tools / tool).symlink_to(shutil.which(tool))
    python = tools / "python3"
    python.write_text('#!/bin/sh\ntest "$1" = -c && echo "$0"\n')  # no venv, no pip, no index
    python.chmod(0o755)
    command = ["sh", "tools/environment.sh"]
    environment = {"PATH": str(tools), "HOME": str(project)}

    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("install uv yourself and put it on PATH.")
    assert not (project / ".tools").exists()
    assert not (project / ".venv/.stamp").exists()


def test_a_tool_runs_from_the_environment_with_its_arguments(start):
    with start("python", "-c", "import sys; print(sys.argv[1:])", "two words") as process:
        answer, _ = process.communicate(timeout=30)

    assert answer == "['two words']\n"


WANTS_TORCH = 'requires-python = ">=3.11"\ntorch = [\n  "filelock>=3",\n  "torch==2.13.0",\n]\n'


@pytest.fixture
def wants_torch(project, monkeypatch):
    """Return the project, which wants torch, where no folder of wheels is named."""
    (project / "pyproject.toml").write_text(WANTS_TORCH)
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS", "UV_TORCH_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    return project


@pytest.fixture
def torch_calls(wants_torch):
    """Return a function that runs the script with variables, and what uv was asked for torch."""

    def run(**variables):
        path = f"{wants_torch / 'bin'}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "UV_PYTHON": sys.executable, **variables}
        command = ["sh", "tools/environment.sh"]
        subprocess.run(
            command, cwd=wants_torch, env=environment, check=True, stderr=subprocess.DEVNULL
        )
        asked = (wants_torch / "calls").read_text().splitlines()
        return [line for line in asked if line.endswith("torch==2.13.0")]

    return run


def test_torch_is_installed_by_its_exact_version_for_the_processor(torch_calls):
    (only,) = torch_calls()

    assert "--torch-backend cpu" in only
    assert "--directory / " in only


def test_another_build_of_torch_can_be_asked_for(torch_calls):
    (only,) = torch_calls(UV_TORCH_BACKEND="cu130")

    assert "--torch-backend cu130" in only


def test_torch_comes_from_a_folder_of_wheels_where_there_is_one(torch_calls):
    (only,) = torch_calls(PIP_FIND_LINKS="/wheels")

    assert "--no-index --find-links /wheels" in only


def test_a_project_without_torch_asks_for_none(calls):
    _, asked = calls()

    assert not [line for line in asked if "torch" in line]
