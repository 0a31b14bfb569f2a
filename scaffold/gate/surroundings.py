"""The environment that a project is verified in: its own home, nobody's shell settings.

What the user has activated, exported or configured for other work must not decide the outcome;
what makes it fast or possible at all (caches, indexes, proxies, certificates, CI) is handed on.
"""

import os
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from scaffold.git import without_redirections
from scaffold.process import run
from scaffold.uv_command import find_uv

_DROPPED_PREFIXES = ("CONDA_", "COVERAGE_", "MYPY_", "PYTEST_", "PYTHON", "RUFF_")
_DROPPED = frozenset(
    {
        "MAKEFILES",
        "MAKEFLAGS",
        "MAKELEVEL",
        "MAKEOVERRIDES",
        "MFLAGS",
        "UV_FROZEN",
        "UV_LOCKED",
        "UV_NO_DEV",
        "UV_NO_GROUP",
        "UV_NO_SYNC",
        "UV_PROJECT",
        "UV_PROJECT_ENVIRONMENT",
        "UV_WORKING_DIR",
        "VIRTUAL_ENV",
        "VIRTUAL_ENV_PROMPT",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    }
)

# Found through HOME unless they are named: what costs a download, or leads to the registry.
_CACHES = {
    "PLAYWRIGHT_BROWSERS_PATH": ".cache/ms-playwright",
    "PYENV_ROOT": ".pyenv",
    "ASDF_DATA_DIR": ".asdf",
    "NETRC": ".netrc",
}
_REGISTRY_SETTINGS = (".config/uv/uv.toml", ".config/pip/pip.conf", ".pip/pip.conf")


def surroundings(
    project: Path, scratch: Path, base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment for the gate of `project`, and make its folders under `scratch`."""
    base = os.environ if base is None else base
    prefix = _settings_prefix(project)
    kept = {
        name: value
        for name, value in without_redirections(base).items()
        if name not in _DROPPED
        and not name.startswith(_DROPPED_PREFIXES)
        and not (prefix and name.startswith(prefix))
    }
    home = Path(base.get("HOME") or Path.home())
    for folder in ("home", "tmp", "bin"):
        (scratch / folder).mkdir(exist_ok=True)
    _hand_on_settings(home, scratch / "home")
    return {
        **kept,
        **_caches(home, base),
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "tmp"),
        "PATH": _path(scratch / "bin", base),
        "PYTHONNOUSERSITE": "1",
    }


def _settings_prefix(project: Path) -> str:
    # A project reads its settings from MY_PROJECT_...: the user's own would change what it does.
    try:
        name = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    except (OSError, KeyError, TypeError, ValueError):
        return ""
    return re.sub(r"[-_.]+", "_", str(name)).upper() + "_"


def _caches(home: Path, base: Mapping[str, str]) -> dict[str, str]:
    found = {name: str(home / at) for name, at in _CACHES.items() if (home / at).exists()}
    asked = {"UV_CACHE_DIR": ("cache", "dir"), "UV_PYTHON_INSTALL_DIR": ("python", "dir")}
    if uv := find_uv():
        for name, question in asked.items():
            answer = run([uv, *question], env={**base, "NO_COLOR": "1"})
            if answer.ok and answer.stdout.strip():
                found[name] = answer.stdout.strip()
    return {name: base.get(name) or value for name, value in found.items()}


def _hand_on_settings(home: Path, new_home: Path) -> None:
    for name in _REGISTRY_SETTINGS:
        if (home / name).is_file():
            (new_home / name).parent.mkdir(parents=True, exist_ok=True)
            (new_home / name).symlink_to((home / name).resolve())


def _path(bin_folder: Path, base: Mapping[str, str]) -> str:
    # Tools of the environment that scaffold or the user runs in are not the project's.
    inside = [base.get("VIRTUAL_ENV"), sys.prefix if sys.prefix != sys.base_prefix else None]
    hidden = {str(Path(prefix) / "bin") for prefix in inside if prefix}
    if uv := find_uv():
        (bin_folder / "uv").symlink_to(uv)
    folders = [f for f in base.get("PATH", os.defpath).split(os.pathsep) if f not in hidden]
    return os.pathsep.join([str(bin_folder), *folders])
