"""How the command line ends: what can go wrong for a user is told in a line, with an exit code."""

import sys
from collections.abc import Callable
from typing import NoReturn

import typer

_INTERRUPTED = 130
Errors = tuple[type[Exception], ...]


def run(app: typer.Typer, told: Callable[[], Errors], away: Callable[[], Errors]) -> NoReturn:
    """Run an application and leave with its exit code: 0, 1, 2 for bad input, 130 for Ctrl-C.

    Args:
        app: the application.
        told: the exceptions whose text says what to do, for exit 2. Asked only when one is at
            hand, so that they may be imported late.
        away: those that mean a disk or a database that is away, for exit 1; OSError is one.
    """
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        end(f"{_wording(error)}. See --help", 2)
    except (KeyboardInterrupt, typer.Abort):
        end("interrupted", _INTERRUPTED)
    except Exception as error:
        if isinstance(error, told()):
            end(str(error), 2)
        if isinstance(error, (OSError, *away())):
            end(f"{str(error).splitlines()[0]}. Check the disk and the folder of the data", 1)
        raise
    if code == _INTERRUPTED:  # which is how Typer hands a Ctrl-C on
        end("interrupted", code)
    sys.exit(code)


def end(message: str, code: int) -> NoReturn:
    """Say a last line and leave."""
    sys.stderr.write(f"{message}\n")
    sys.exit(code)


def _wording(error: typer.TyperException) -> str:
    """What is wrong with the command line, in one line."""
    wording = getattr(error, "format_message", error.__str__)()
    return " ".join(str(wording).split()).rstrip(".")
