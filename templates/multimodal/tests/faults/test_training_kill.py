"""A training that is killed in the middle goes on where it was, to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portfolio_project import train
from portfolio_project.config import load_config
from portfolio_project.provenance import compare_runs

TINY = load_config("tiny")
LONGER = TINY.model_copy(
    update={
        "model": TINY.model.model_copy(update={"modalities": ("text", "attributes")}),
        "optimiser": TINY.optimiser.model_copy(update={"steps": 80}),
    }
)


def start(dataset: Path, folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", train.__name__]
    return subprocess.Popen(
        [*command, str(dataset), str(folder), LONGER.model_dump_json()],
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(what, seconds=90):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in told.split()]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find the child")
def test_a_killed_training_leaves_no_process_and_goes_on_to_the_same_bytes(trained, tmp_path):
    dataset = trained / "data"
    killed, whole = tmp_path / "killed" / "model", tmp_path / "whole" / "model"
    run = start(dataset, killed)
    checkpoint = killed.parent / "checkpoints" / "tiny" / "checkpoint.safetensors"
    wait_for(checkpoint.exists)
    (child,) = children_of(run.pid)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    wait_for(lambda: not Path(f"/proc/{child}").exists())
    assert not killed.exists()
    for folder in (killed, whole):
        done = start(dataset, folder)
        assert not done.communicate(timeout=100)[1]
        assert done.returncode == 0
    found = compare_runs(whole, killed)
    assert found.same, found.differences
    assert not checkpoint.exists()


def test_data_that_lack_a_modality_are_refused_in_one_line(trained, tmp_path):
    """The gate of the training itself, seen from the process that started it."""
    done = start(tmp_path, tmp_path / "model")
    told = done.communicate(timeout=60)[1].strip().splitlines()
    assert done.returncode != 0
    assert "Run the command `ingest`" in told[-1]
