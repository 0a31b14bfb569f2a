"""A tenant's company is founded by a command, once."""

from typer.testing import CliRunner

from portfolio_project import cli

DATA_DIR = "PORTFOLIO_PROJECT_DATA_DIR"


def test_a_company_is_founded_once_and_never_written_over(tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_DIR, str(tmp_path))

    first, second = (CliRunner().invoke(cli.app, ["found", "acme"]) for _ in range(2))

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "acme: founded" in first.output
    assert "is there already" in second.output
