"""What the checks look at, and what they answer."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scaffold.process import Outcome, run

ASKING_SECONDS = 10.0
"""How long a program may take to say which version it is."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The folder to work in, and the PATH that programs are searched on."""

    folder: Path
    path: str

    def find(self, *programs: str) -> str | None:
        """Return the first of `programs` that is on the path."""
        found = (shutil.which(name, path=self.path) for name in programs)
        return next((program for program in found if program), None)

    def ask(self, program: str, *arguments: str) -> Outcome | None:
        """Run a program that is on the path and return what it says; None when it isn't there."""
        found = self.find(program)
        try:
            return run([found, *arguments], timeout=ASKING_SECONDS) if found else None
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `advice` says what to do when it is not `ok`."""

    ok: bool
    found: str
    advice: str = ""


def fine(found: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(ok=True, found=found)


def lacking(found: str, advice: str) -> Finding:
    """Return the finding that something is missing, and what to do."""
    return Finding(ok=False, found=found, advice=advice)


class Check(Protocol):
    """One check; what is not `required` only takes something away when it fails."""

    required: bool

    @staticmethod
    def check(machine: Machine) -> Finding:
        """Look."""
        ...
