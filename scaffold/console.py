"""Prose and progress on stderr, results on stdout, colour only where somebody looks."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

    import rich.console

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Console:
    """Where a verb speaks.

    ``interactive`` says that a person can be asked (stdin and stderr are terminals and no
    ``--json``); ``color`` that stderr may be coloured (``NO_COLOR`` and ``TERM=dumb`` switch it
    off, ``FORCE_COLOR`` on).
    """

    def __init__(
        self,
        *,
        json: bool = False,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.json = json
        self.stdin = sys.stdin if stdin is None else stdin
        self.stdout = sys.stdout if stdout is None else stdout
        self.stderr = sys.stderr if stderr is None else stderr
        self.live = _is_terminal(self.stderr) and environ.get("TERM") != "dumb"
        self.color = _color_wanted(environ, live=self.live)
        self.interactive = not json and _is_terminal(self.stdin) and _is_terminal(self.stderr)

    def say(self, text: str = "") -> None:
        """Write a line of prose on stderr."""
        self._write(self.stderr, text + "\n")

    def done(self, text: str) -> None:
        """Say that a step is done."""
        self.say(f"{self.style('✓', 'green')} {text}")

    def warn(self, text: str) -> None:
        """Say what the user should know and do, without stopping."""
        self.say(f"{self.style('!', 'yellow')} {text}")

    def error(self, text: str) -> None:
        """Say in one line why nothing was done."""
        self.say(f"{self.style('scaffold:', 'red')} {text}")

    def progress(self, text: str) -> None:
        """Show a line that the next one replaces; silent where nobody watches."""
        if self.live:
            self._write(self.stderr, f"\r\x1b[2K{text}")

    def clear_progress(self) -> None:
        """Take the line of :meth:`progress` away."""
        if self.live:
            self._write(self.stderr, "\r\x1b[2K")

    def ask(self, prompt: str) -> str:
        """Ask on stderr, read a line from stdin; raises EOFError when stdin ends."""
        self._write(self.stderr, prompt)
        line = self.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")

    def out(self, text: str) -> None:
        """Write a line of the result on stdout."""
        self._write(self.stdout, text + "\n")

    def style(self, text: str, name: str) -> str:
        """Return ``text`` for stderr in one of the styles, or as it is where colour is off."""
        return f"\x1b[{_STYLES[name]}m{text}\x1b[0m" if self.color else text

    def rich(self) -> rich.console.Console:
        """Return a rich console on stderr under the same rules (imported only here)."""
        import rich.console

        options: dict[str, Any] = {"no_color": not self.color, "force_terminal": self.live}
        return rich.console.Console(file=self.stderr, highlight=False, **options)

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _color_wanted(environ: Mapping[str, str], *, live: bool) -> bool:
    if environ.get("NO_COLOR"):
        return False
    return live or bool(environ.get("FORCE_COLOR"))
