"""The place that projects are made in, and who makes them."""

# ruff: noqa: D102 - what `check` does is said by the docstring of its class

import shutil
import tempfile
from pathlib import Path

from scaffold.doctor.machine import Finding, Machine, fine, lacking
from scaffold.git import git

_GIB = 1024**3
_SPACE_NEEDED = 3 * _GIB  # an environment takes 1.1 GiB, and a verification needs a second one


class GitIdentity:
    """git knows your name and e-mail address."""

    required = False

    @staticmethod
    def check(machine: Machine) -> Finding:
        if machine.find("git") is None:
            return lacking("no git", "Install git first.")
        said = git(machine.folder, "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT")
        advice = '`git config --global user.name "You"`, and user.email likewise.'
        return Finding(said.ok, said.stdout.rsplit(" ", 2)[0] if said.ok else "not set", advice)


class DiskSpace:
    """there are 3 GiB free for environments."""

    required = True

    @staticmethod
    def check(machine: Machine) -> Finding:
        free = shutil.disk_usage(machine.folder).free
        advice = "Make room, or work in a folder on another disk."
        return Finding(free >= _SPACE_NEEDED, f"{free / _GIB:.1f} GiB free", advice)


class Writable:
    """this folder can be written."""

    required = True

    @staticmethod
    def check(machine: Machine) -> Finding:
        try:
            with tempfile.TemporaryDirectory(prefix=".scaffold-", dir=machine.folder):
                return fine("yes")
        except OSError as error:
            return lacking(error.strerror or "no", "Go to a folder that is yours.")


class Symlinks:
    """symbolic links can be made here."""

    required = False

    @staticmethod
    def check(machine: Machine) -> Finding:
        try:
            with tempfile.TemporaryDirectory(prefix=".scaffold-", dir=machine.folder) as scratch:
                (Path(scratch) / "link").symlink_to("target")
        except OSError as error:
            advice = "Only needed to work on templates; on Windows switch developer mode on."
            return lacking(error.strerror or "no", advice)
        return fine("yes")
