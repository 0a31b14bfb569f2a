"""Keep the traceback of a defect for whoever repairs it, and out of the user's sight."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import __version__
from scaffold.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence


def save_crash(error: Exception, arguments: Sequence[str]) -> str:
    """Write the traceback into a file of its own and return the one line that names it."""
    text = "".join(
        [
            f"scaffold {__version__}, Python {platform.python_version()}, {sys.platform}\n",
            f"scaffold {' '.join(arguments)}\n\n",
            *traceback.format_exception(error),
        ]
    )
    summary = one_line(f"{type(error).__name__}: {error}")
    for folder in (_state_folder(), Path(tempfile.gettempdir())):
        path = folder / time.strftime(f"scaffold-crash-%Y%m%d-%H%M%S-{os.getpid()}.log")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return f"this is a defect in scaffold ({summary}). Please report it with {path}."
    return f"this is a defect in scaffold ({summary}). SCAFFOLD_DEBUG=1 shows where."


def _state_folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "scaffold"
