"""The runbook's commands do what it says, on a registry with two models."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from portfolio_project.provenance import Registry

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
PROGRAM = ".venv/bin/portfolio-project "
PACKAGE = "portfolio_project"


@pytest.fixture
def run(workspace):
    """Run a command that the runbook shows, with what is to be filled in."""
    shown = re.findall(rf"^\$ {re.escape(PROGRAM)}(.+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)

    def run_one(start, *more, **filled):
        (command,) = [line for line in shown if line.startswith(start)]
        for name, value in filled.items():
            assert name in command
            command = command.replace(name, value)
        done = subprocess.run(
            [sys.executable, "-m", PACKAGE, *shlex.split(command), *more],
            env={**os.environ, "PORTFOLIO_PROJECT_DATA_DIR": str(workspace)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_one


def test_a_model_is_rolled_back_and_promoted_again(run, workspace):
    registry = Registry(workspace / "registry")
    before, serving = (version.id for version in registry.versions())
    assert registry.current_id() == serving
    assert f"* {serving}" in run("models list")
    assert before in run("models rollback")
    assert registry.current_id() == before
    run("models promote", VERSION=serving)
    assert registry.current_id() == serving


def test_a_key_is_shown_with_the_settings_that_let_it_in(run):
    printed = run("keys new")
    assert "API_KEYS=" in printed
    assert "KEY_PEPPER=" in printed


def test_a_worker_can_be_started_again_at_any_time(run):
    assert "0 events processed" in run("stream", "--until-end")
    assert "0 events processed" in run("stream", "--until-end")
