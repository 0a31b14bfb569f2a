"""Make a new project's environment, by the project's own means."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaffold.console import Console


def install(project: Path, console: Console) -> str:
    """Run ``make env`` in ``project`` and return what went wrong, in one line, or nothing."""
    from scaffold.process import Watch, run
    from scaffold.uv_command import find_uv

    if shutil.which("make") is None:
        return "make is not installed"
    uv = find_uv()
    env = {**os.environ, "VIRTUAL_ENV": ""}
    if uv:
        # Last, so that the user's own uv and Python are found before ours.
        env["PATH"] = f"{env.get('PATH', os.defpath)}{os.pathsep}{Path(uv).parent}"
    with tempfile.TemporaryDirectory(prefix="scaffold-install-") as scratch:
        log = Path(scratch) / "log"

        def tick(seconds: float) -> None:
            console.progress(f"making the environment, {seconds:.0f} s  {_last_line(log)}"[:100])

        watch = Watch(log, lambda _group: None, tick)
        outcome = run(["make", "-s", "env"], cwd=project, env=env, watch=watch)
        console.clear_progress()
        if not outcome.ok:
            return f"{_last_line(log) or 'make env failed'} (`make env` there tries again)"
    console.done(f"environment made in {outcome.seconds:.0f} s")
    return ""


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
