"""The runbook's commands do what it says, on a registry with two models."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portfolio_project import cli
from portfolio_project.provenance import Registry

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
PROGRAM = ".venv/bin/portfolio-project "
DATA_DIR = "PORTFOLIO_PROJECT_DATA_DIR"


@pytest.fixture
def run(workspace, monkeypatch):
    """Run a command that the runbook shows, with what is to be filled in."""
    monkeypatch.setenv(DATA_DIR, str(workspace))
    shown = re.findall(rf"^\$ {re.escape(PROGRAM)}(.+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)

    def run_one(start, *more, **filled):
        (command,) = [line for line in shown if line.startswith(start)]
        for name, value in filled.items():
            assert name in command
            command = command.replace(name, value)
        done = CliRunner().invoke(cli.app, [*shlex.split(command), *more])
        assert done.exit_code == 0, done.output
        return done.output

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
