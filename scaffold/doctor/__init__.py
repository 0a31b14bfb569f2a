"""What a machine must have for scaffold and for the projects that it makes.

A check is a tiny class: its name is the id, its docstring says what holds when all is well, and
`check` takes the machine and returns what it found. A family of checks is a file.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scaffold.doctor.machine import Check, Finding, Machine
from scaffold.doctor.place import DiskSpace, GitIdentity, Symlinks, Writable
from scaffold.doctor.programs import Browser, Docker, Git, Make, Python, Uv
from scaffold.doctor.supplies import Registry, Templates

__all__ = ["CHECKS", "NETWORK_CHECKS", "Check", "Finding", "Machine", "Result", "examine"]

CHECKS: tuple[type[Check], ...] = (
    Python,
    Git,
    Make,
    Uv,
    GitIdentity,
    DiskSpace,
    Writable,
    Symlinks,
    Templates,
    Browser,
    Docker,
)
"""Those that look at this machine only."""

NETWORK_CHECKS: tuple[type[Check], ...] = (Registry,)
"""Those that ask somebody else, so only on request."""


@dataclass(frozen=True, slots=True)
class Result:
    """A check and what it found."""

    id: str
    message: str
    required: bool
    finding: Finding


def examine(machine: Machine, checks: Sequence[type[Check]]) -> Iterator[Result]:
    """Run the checks one after another."""
    for check in checks:
        words = re.findall(r"[A-Z][a-z]*", check.__name__)
        message = (check.__doc__ or "").strip().rstrip(".")
        yield Result("-".join(words).lower(), message, check.required, check.check(machine))
