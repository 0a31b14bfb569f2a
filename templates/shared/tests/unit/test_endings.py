"""How a command ends: one line for a person, an exit code for a script."""

import pytest
import typer

from portfolio_project import endings


class KnownError(Exception):
    """What a user can mend."""


class AwayError(Exception):
    """A database that does not answer."""


@pytest.mark.parametrize(
    ("happens", "code", "said"),
    [
        (None, 0, ""),
        (KnownError("name a file that is there"), 2, "name a file that is there\n"),
        (
            AwayError("it is locked\nand more"),
            1,
            "it is locked. Check the disk and the folder of the data\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (typer.Exit(3), 3, ""),
    ],
    ids=["well", "bad input", "away", "Ctrl-C", "its own code"],
)
def test_a_command_ends_with_a_line_and_a_code(happens, code, said, monkeypatch, capsys):
    app = typer.Typer()

    @app.command()
    def work() -> None:
        if happens:
            raise happens

    monkeypatch.setattr("sys.argv", ["program"])
    with pytest.raises(SystemExit) as ended:
        endings.run(app, lambda: (KnownError,), lambda: (AwayError,))
    assert (ended.value.code or 0, capsys.readouterr().err) == (code, said)


def test_a_fault_of_the_program_is_not_hidden(monkeypatch):
    app = typer.Typer()

    @app.command()
    def work() -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("sys.argv", ["program"])
    with pytest.raises(RuntimeError, match="a fault"):
        endings.run(app, lambda: (KnownError,), lambda: (AwayError,))
