"""Record a real terminal session as an SVG: run the commands, keep what they printed.

`python -m tools.record` writes docs/images/terminal.svg. The commands run in a scratch folder
with an empty HOME, in a pseudo-terminal, so that colours and progress are those a user sees.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from io import StringIO
from pathlib import Path

import pexpect
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "images" / "terminal.svg"
COLUMNS = 88
SESSION = (
    "scaffold list",
    "scaffold new streaming-pipeline card-fraud --defaults",
    "cd card-fraud && git log --oneline && ls",
)
# The stock format of rich loads a web font; a picture in a README should load nothing.
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
ERASED_LINE = re.compile(r"[^\n]*\r(?!\n)")


def run(command: str, cwd: Path, home: Path) -> str:
    """What `command` prints on a terminal of COLUMNS columns; raises RuntimeError if it fails."""
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
    }
    output, status = pexpect.run(
        f"bash -c {quote(command)}",
        cwd=str(cwd),
        env=environment,
        timeout=120,
        withexitstatus=True,
        encoding="utf-8",
        dimensions=(40, COLUMNS),
    )
    if status != 0:
        raise RuntimeError(f"{command!r} exited with {status}:\n{output}")
    return ERASED_LINE.sub("", output.replace("\r\n", "\n"))


def quote(command: str) -> str:
    """`command` as one word for pexpect's own splitting."""
    return "'" + command.replace("'", "'\\''") + "'"


def record() -> str:
    """The session as SVG text."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), color_system="truecolor")
    with tempfile.TemporaryDirectory(prefix="scaffold-record-") as scratch:
        home, work = Path(scratch, "home"), Path(scratch, "work")
        home.mkdir()
        work.mkdir()
        (home / "gitconfig").write_text(
            "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n"
        )
        for command in SESSION:
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            printed = run(command, work, home).replace(str(work), "~").replace(str(home), "~")
            console.print(Text.from_ansi(printed.rstrip()))
            console.print()
    return FONT_FACE.sub("", console.export_svg(title="scaffold", unique_id="scaffold"))


def main() -> None:
    """Write the recording."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(record(), encoding="utf-8")
    print(TARGET.relative_to(ROOT))


if __name__ == "__main__":
    main()
