"""The programs that are needed."""

# ruff: noqa: D102 - what `check` does is said by the docstring of its class

import os
import re
import sys
from pathlib import Path

from scaffold.doctor.machine import ASKING_SECONDS, Finding, Machine, fine, lacking
from scaffold.process import run
from scaffold.uv_command import find_uv

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class Python:
    """Python is 3.11 or newer."""

    required = True

    @staticmethod
    def check(machine: Machine) -> Finding:
        del machine
        version = ".".join(map(str, sys.version_info[:3]))
        return Finding(sys.version_info >= (3, 11), version, "Install Python 3.11 or newer.")


class Git:
    """git is 2.39 or newer."""

    required = True

    @staticmethod
    def check(machine: Machine) -> Finding:
        said = machine.ask("git", "--version")
        if said is None or not said.ok:
            return lacking("not found", "Install git from your system's packages.")
        version = _version(said.stdout)
        return Finding(version >= (2, 39), _dotted(version), "Install git 2.39 or newer.")


class Make:
    """make is there."""

    required = True

    @staticmethod
    def check(machine: Machine) -> Finding:
        said = machine.ask("make", "--version")
        if said is None or not said.ok:
            return lacking("not found", "Install make from your system's packages.")
        return fine(_dotted(_version(said.stdout)))


class Uv:
    """uv is 0.13 or newer."""

    required = True

    @staticmethod
    def check(machine: Machine) -> Finding:
        program = find_uv() or machine.find("uv")
        advice = "Install scaffold again (`pip install --force-reinstall uv`)."
        try:
            said = run([program, "--version"], timeout=ASKING_SECONDS) if program else None
        except OSError:
            said = None
        if said is None or not said.ok:
            return lacking("not usable", advice)
        version = _version(said.stdout)
        return Finding(version >= (0, 13), _dotted(version), "`pip install --upgrade uv`")


class Browser:
    """there is a Chromium for the browser tests."""

    required = False

    @staticmethod
    def check(machine: Machine) -> Finding:
        if found := machine.find(*_BROWSERS):
            return fine(Path(found).name)
        fetched = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
        folder = Path(fetched) if fetched else Path.home() / ".cache" / "ms-playwright"
        if any(folder.glob("chromium*")):
            return fine("Playwright's own")
        return lacking("not found", "`make browser` in a project fetches one.")


class Docker:
    """docker can build images."""

    required = False

    @staticmethod
    def check(machine: Machine) -> Finding:
        said = machine.ask("docker", "version", "--format", "{{.Server.Version}}")
        advice = "Only `make docker` and the devcontainer need it; see your system's packages."
        if said is None:
            return lacking("not found", advice)
        if not said.ok:
            return lacking("its engine does not answer", "Start docker, if you want images.")
        return fine(said.stdout.strip())


def _version(said: str) -> tuple[int, ...]:
    found = re.search(r"\d+(?:\.\d+)+", said)
    return tuple(map(int, found.group().split("."))) if found else ()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
