"""The one exception that a user may see, and what a signal turns into."""

from __future__ import annotations


class ScaffoldError(Exception):
    """Something that the user can put right, said in one line.

    Attributes:
        message: what is wrong, as one line without a full stop at its end.
        hint: what to type or do instead; empty when there is nothing useful to say.
        exit_code: 2 for bad usage or input, 1 when a check failed or the machine refused.
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = one_line(message).rstrip(".")
        self.hint = one_line(hint)
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}".rstrip()


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP asked us to stop; cleaned up after like Ctrl-C.

    Attributes:
        signum: the signal's number; the process leaves with 128 + signum.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def one_line(text: str) -> str:
    """Fold every run of white space, line breaks included, into one space."""
    return " ".join(text.split())
