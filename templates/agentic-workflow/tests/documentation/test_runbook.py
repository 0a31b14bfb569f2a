"""The runbook's commands do what it says, on a registry with two models and a company."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portfolio_project import cli
from portfolio_project.provenance import Registry, RunManifest, read_run
from portfolio_project.world import audit
from portfolio_project.world.engine import (
    open_engine,
    writing,
)

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
PROGRAM = ".venv/bin/portfolio-project "
GUARDS = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
DATA_DIR = "PORTFOLIO_PROJECT_DATA_DIR"


@pytest.fixture
def run(workspace, monkeypatch):
    """Run a command that the runbook shows, with what is to be filled in."""
    monkeypatch.setenv(DATA_DIR, str(workspace))
    shown = re.findall(rf"^\$ {re.escape(PROGRAM)}(.+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)

    def run_one(start, code=0, **filled):
        (command,) = [line for line in shown if line.startswith(start)]
        for name, value in filled.items():
            assert name in command
            command = command.replace(name, value)
        done = CliRunner().invoke(cli.app, shlex.split(command))
        assert done.exit_code == code, done.output
        return done.output

    return run_one


@pytest.fixture
def two_models(trained, workspace):
    """The serving model, and one that took its place: the same files, with figures of their own."""
    registry = Registry(workspace / "registry")
    before = registry.current_id()
    folder = trained / "models"
    files = {name: folder / name for name in read_run(folder / "run.json").outputs}
    told = {"right_unseen_phrases": 0.9, "coverage": 0.6}
    manifest = RunManifest.capture(
        "train", inputs={}, outputs=files, config={}, seed=1, metrics=told
    )
    serving = registry.register(files, manifest)
    registry.promote(serving, gate=lambda _candidate, _champion: ())
    return registry, before, serving


def test_a_model_is_rolled_back_and_promoted_again(run, two_models):
    registry, before, serving = two_models
    assert f"* {serving}" in run("models list")
    assert before in run("models rollback")
    assert registry.current_id() == before
    run("models promote", VERSION=serving)
    assert registry.current_id() == serving


def test_a_model_that_no_reviewed_branch_holds_stays_out(run, two_models, monkeypatch):
    registry, before, other = two_models
    run("models rollback")
    monkeypatch.setenv("PORTFOLIO_PROJECT_REVIEWED_BRANCH", "no/such")
    command = ["models", "promote", other]
    assert "git knows no 'no/such' here" in str(CliRunner().invoke(cli.app, command).exception)
    assert registry.current_id() == before


def test_a_log_that_was_changed_is_noticed(run, workspace):
    engine = open_engine(f"sqlite:///{workspace / 'world.db'}")
    with writing(engine, "demo") as connection:
        for number in range(3):
            audit.record(connection, "demo", "person", "looked", {"number": number})
    assert "3 entries, intact" in run("audit verify")
    with writing(engine, "demo") as connection:
        for guard in connection.exec_driver_sql(GUARDS).scalars().all():
            connection.exec_driver_sql(f"DROP TRIGGER {guard}")
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE number = 2")
    engine.dispose()
    run("audit verify", code=1)


def test_a_tenant_gets_a_company_once(run):
    assert "founded" in run("found", TENANT="acme")
    assert "already" in run("found", TENANT="acme")


def test_a_key_is_shown_with_the_settings_that_let_it_in(run):
    printed = run("keys new")
    assert "API_KEYS=" in printed
    assert "KEY_PEPPER=" in printed
