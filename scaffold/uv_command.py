"""Find uv and run it for one project, undisturbed by what surrounds the user's shell."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from scaffold.process import Outcome, run

# Each of these would aim uv at another project or environment, or change what it resolves.
_DISTURBING = (
    "CONDA_PREFIX",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_CONSTRAINT",
    "UV_EXCLUDE",
    "UV_EXCLUDE_NEWER",
    "UV_FORK_STRATEGY",
    "UV_FROZEN",
    "UV_LOCKED",
    "UV_NO_GROUP",
    "UV_NO_SYNC",
    "UV_OVERRIDE",
    "UV_PRERELEASE",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_RESOLUTION",
    "UV_WORKING_DIR",
    "UV_WORKING_DIRECTORY",
    "VIRTUAL_ENV",
)

# Without a network uv must say so soon: two attempts, and few seconds for each.
_IMPATIENT = {
    "UV_HTTP_CONNECT_TIMEOUT": "3",
    "UV_HTTP_RETRIES": "1",
    "UV_HTTP_TIMEOUT": "5",
}


class UvMissingError(OSError):
    """There is no uv to run."""


def find_uv() -> str | None:
    """Return the path of the uv that was installed with us, else the one on PATH, else None."""
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        return shutil.which("uv")


def uv_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for uv: the user's caches, indexes and proxies, short time-outs.

    uv uses our own Python, so it neither searches for one nor downloads one.
    """
    kept = {k: v for k, v in (base or os.environ).items() if k not in _DISTURBING}
    fixed = {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    return {**_IMPATIENT, **kept, **fixed, "NO_COLOR": "1"}


def uv(
    arguments: list[str], *, cwd: Path, offline: bool = False, timeout: float | None = None
) -> Outcome:
    """Run uv in `cwd`.

    Raises:
        UvMissingError: there is no uv.
    """
    program = find_uv()
    if program is None:
        raise UvMissingError("uv is not installed")
    flags = ["--offline"] if offline else []
    return run([program, *flags, *arguments], cwd=cwd, env=uv_environment(), timeout=timeout)
