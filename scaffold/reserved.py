"""Names that a project or its package cannot have, each with the reason."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OTHER_PYTHONS = frozenset(
    # Modules that only some of Python 3.11 to 3.14 have.
    ["aifc", "annotationlib", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "compression", "crypt", "distutils", "imghdr", "imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd", "sndhdr", "spwd", "sunau", "telnetlib", "test", "tomllib", "uu", "xdrlib"]
)
WINDOWS = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)
TOOLS = frozenset(
    ["activate", "bash", "docker", "git", "make", "pip", "pkg-resources", "python", "python3", "setuptools", "sh", "site-packages", "uv", "wheel"]
)
LAYOUT = frozenset(
    "benchmarks build conftest dist docs src test tests var venv".split()  # noqa: SIM905
)


def project_names(distributions: Iterable[str]) -> dict[str, str]:
    """Return distribution names that are taken, given the template's dependencies."""
    return {
        **dict.fromkeys(LAYOUT, "is a folder of every project"),
        **dict.fromkeys(TOOLS, "is a tool that projects use"),
        **dict.fromkeys(map(normalized, distributions), "is one of the template's dependencies"),
        **dict.fromkeys(WINDOWS, "is a device name on Windows"),
    }


def package_names(modules: Iterable[str]) -> dict[str, str]:
    """Return import names that are taken, given the modules that the template imports or has."""
    low = [name for name in dir(builtins) if name.islower() and not name.startswith("_")]
    library = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    return {
        **dict.fromkeys(LAYOUT, "is a folder of every project"),
        **dict.fromkeys(modules, "is a module that the template uses"),
        **dict.fromkeys(low, "is a built-in function of Python"),
        **dict.fromkeys(library | OTHER_PYTHONS, "is a module of Python's standard library"),
        **dict.fromkeys([*keyword.kwlist, *keyword.softkwlist], "is a keyword of Python"),
        **dict.fromkeys(WINDOWS, "is a device name on Windows"),
    }


def normalized(name: str) -> str:
    """Return a distribution's name in the form of PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
