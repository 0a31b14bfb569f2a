"""Start git with bytes in and bytes out, for what must survive every odd name and content."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.git import git_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OLDEST = (2, 39)
"""The first git whose ``merge-tree`` this program was tried with."""

_SETTINGS = (
    "core.fsmonitor=false",
    "core.fsync=all",
    "core.fsyncMethod=batch",
    f"core.hooksPath={os.devnull}",
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
)


@dataclass(frozen=True, slots=True)
class Git:
    """One repository as git is to see it: the folder to run in, and its environment."""

    cwd: Path
    env: Mapping[str, str] = field(default_factory=git_environment)

    def __call__(
        self, *arguments: str, stdin: bytes = b"", accept: tuple[int, ...] = (0,), **env: str
    ) -> Output:
        """Run git to its end; no hook runs and nothing prompts.

        Raises:
            ScaffoldError: git is absent, or left with a status that isn't in ``accept``.
        """
        settings = [part for each in _SETTINGS for part in ("-c", each)]
        try:
            done = subprocess.run(
                ["git", *settings, *arguments],
                cwd=self.cwd,
                env={**self.env, **env},
                input=stdin,
                capture_output=True,
                check=False,
                start_new_session=True,  # Ctrl-C is ours to answer
            )
        except FileNotFoundError as error:
            raise ScaffoldError("git wasn't found", "Install git 2.39 or later.", 1) from error
        output = Output(done.returncode, done.stdout, done.stderr)
        if done.returncode not in accept:
            raise self._failed(arguments[0], output)
        return output

    def _failed(self, command: str, output: Output) -> ScaffoldError:
        said = subprocess.run(["git", "version"], capture_output=True, check=False).stdout.decode()
        found = re.search(r"(\d+)\.(\d+)", said)
        if found and (int(found[1]), int(found[2])) < OLDEST:
            return ScaffoldError(
                f"git {found[0]} is too old for this", "Install git 2.39 or later.", 1
            )
        return ScaffoldError(f"git {command} failed: {output.complaint}", exit_code=1)


@dataclass(frozen=True, slots=True)
class Output:
    """How git ended and what it wrote."""

    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def complaint(self) -> str:
        """The line of stderr that says what is wrong."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
        return (fatal or lines or [f"exit status {self.returncode}"])[0].strip()

    @property
    def line(self) -> str:
        """The first line of stdout."""
        return os.fsdecode(self.stdout).split("\n", 1)[0]

    @property
    def fields(self) -> list[str]:
        """What stands before each NUL of stdout."""
        return os.fsdecode(self.stdout).split("\0")[:-1]
