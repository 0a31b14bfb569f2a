"""Small living templates built from dicts, and the command run as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from scaffold import library
from scaffold.pack import pack
from scaffold.template import available, read_living

SCAFFOLD = Path(sys.executable).with_name("scaffold")
METADATA = 'summary = "A small one"\nversion = "1.2.3"\nhighlights = ["it is small"]\n'
PYPROJECT = """\
[project]
name = "portfolio-project"
version = "0.1.0"
description = "A portfolio project."
license = "LicenseRef-Portfolio"
authors = [{ name = "Portfolio Author", email = "author@portfolio.example" }]
dependencies = ["scikit-learn>=1.5"]
"""
TINY = {
    "pyproject.toml": PYPROJECT,
    "LICENSE": "LicenseRef-Portfolio\n",
    "README.md": "# Portfolio Project\n\nA portfolio project.\n\nBy Portfolio Author.\n",
    "src/portfolio_project/__init__.py": "PREFIX = 'PORTFOLIO_PROJECT_'\n",
    "src/portfolio_project/about.json": '{"title": "Portfolio Project"}\n',
    "run.sh": ("#!/bin/sh\nexec python -m portfolio_project\n", 0o755),
}

SYNTHETIC = {
    **TINY,
    "logo.png": b"\x89PNG\r\n\x1a\n\0\xff{{ x }}",
    "dos.csv": b"a,b\r\n1,2\r\n",
    "latin.txt": "{{ é }}".encode("latin-1"),
    "page.html": '<!doctype html><p title="Portfolio Project">A portfolio project.</p>{{ x }}\n',
    "no-newline.md": "portfolio-project by portfolio-owner",
    "two-newlines.md": "portfolio-project\n\n\n",
    "empty/portfolio-project.txt": "",
    "prompt.jinja": "{{ question }} of a user\n",
    "portfolio_project/[odd] +name+.txt": "{% kept %}\n",
    "ci.yml": "run: ${{ github.token }} # portfolio-project\n",
    "bin/tool": ("#!/bin/sh\necho portfolio-project\n", 0o755),
    "bin/plain": ("#!/bin/sh\necho {{ x }}\n", 0o755),
}
"""What renderers are known to stumble over."""


def write_files(folder, files):
    """Write {path: text, bytes, (content, mode) or a Path that a symlink will hold}."""
    for path, given in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        content, mode = given if isinstance(given, tuple) else (given, 0o644)
        if isinstance(content, Path):
            target.symlink_to(content)
            continue
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)


def living_template(tmp_path, files=None, name="tiny", metadata=METADATA):
    """Make a living template of its own below ``tmp_path/templates``."""
    folder = tmp_path / "templates" / name
    write_files(folder, {**(TINY if files is None else files), "template.toml": metadata})
    return read_living(folder)


def user_environment(home, **more):
    """Return the environment of a user with an empty home, no git identity and no colour."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("GIT_", "XDG_", "SCAFFOLD", "COPIER", "COOKIECUTTER"))
        and key not in {"NO_COLOR", "FORCE_COLOR", "VIRTUAL_ENV"}
    }
    fixed = {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    return {**kept, **fixed, **more}


def scaffold(*arguments, cwd, timeout=60, **environ):
    """Run the installed command in ``cwd``, which is also the user's home."""
    return subprocess.run(
        [SCAFFOLD, *map(str, arguments)],
        cwd=cwd,
        env=user_environment(cwd, **environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def installed_copy(folder):
    """Copy the package as a wheel installs it, compiled templates inside; returns PYTHONPATH."""
    shutil.copytree(
        Path(library.__file__).parent,
        folder / "scaffold",
        ignore=shutil.ignore_patterns("__pycache__", "_compiled"),
    )
    compiled = folder / "scaffold" / "_compiled"
    compiled.mkdir()
    for template in available().values():
        pack(template, compiled)
    return str(folder)


def document(done):
    """Return the JSON document that a run printed."""
    return json.loads(done.stdout)


def entries(folder):
    """Return the names in a folder, hidden ones included."""
    return sorted(path.name for path in folder.iterdir())
