"""The runbook's commands do what it says, on a small index."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portfolio_project import cli

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
PROGRAM = ".venv/bin/portfolio-project "
DATA_DIR = "PORTFOLIO_PROJECT_DATA_DIR"


@pytest.fixture
def run(workspace, monkeypatch):
    """Run a command that the runbook shows, with what is to be filled in."""
    monkeypatch.setenv(DATA_DIR, str(workspace))
    shown = re.findall(rf"^\$ {re.escape(PROGRAM)}(.+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)

    def run_one(start, **filled):
        (command,) = [line for line in shown if line.startswith(start)]
        for name, value in filled.items():
            assert name in command
            command = command.replace(name, str(value))
        done = CliRunner().invoke(cli.app, shlex.split(command))
        assert done.exit_code == 0, done.output
        return done.output

    return run_one


def test_recall_is_told_for_each_modality(run):
    said = run("index recall")

    assert [line.split()[0] for line in said.splitlines()] == [
        "attributes",
        "image",
        "sound",
        "text",
    ]
    assert "recall@10 1.0000" in said


def test_a_snapshot_is_taken_and_restored(run, tmp_path):
    assert "64 documents" in run("index snapshot", FILE=tmp_path / "kept")
    assert "64 documents" in run("index restore", FILE=tmp_path / "kept")


def test_the_index_is_built_again(run):
    assert "64 documents of test indexed" in run("index build")


def test_models_are_listed_and_a_key_is_made(run):
    assert run("models list").startswith("* ")
    printed = run("keys new")
    assert "API_KEYS=" in printed
    assert "KEY_PEPPER=" in printed
