"""How far a long step has come: a bar on the terminal, nothing where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is to do."""

_WIDTH = 30


def quiet(_what: str, _done: int, _of: int) -> None:
    """Show no progress."""


class Bars:
    """One bar a step, on standard error; nothing is written unless that is a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = ""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __call__(self, what: str, done: int, of: int) -> None:
        """Draw the bar of `what`."""
        if not self._shown:
            return
        full = _WIDTH * done // max(1, of)
        line = f"{what:<12.40} [{'#' * full}{'.' * (_WIDTH - full)}] {done:,}/{of:,}"
        if line == self._last:
            return
        sys.stderr.write(f"\r{line:<{len(self._last)}}" + ("\n" if done >= of else ""))
        sys.stderr.flush()
        self._last = "" if done >= of else line

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End an unfinished bar's line."""
        if self._last:
            sys.stderr.write("\n")
