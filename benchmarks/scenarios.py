"""What can happen between a project and its template: each scenario as two small edits.

Paths and contents are those of a rendered project. A mark is a text that one side wrote and that
nothing else holds, so that it can be looked for afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Files = dict[str, bytes]
Edit = Callable[[Path], None]

MINE, THEIRS = b"MINE-7f3a", b"THEIRS-91bd"


def numbered(name: str, lines: int = 24) -> bytes:
    """Return a text whose lines are all different."""
    return "".join(f"{name} line {number}\n" for number in range(lines)).encode()


BASE: Files = {
    "README.md": numbered("readme"),
    "main.py": numbered("main"),
    "extra.py": numbered("extra"),
    "lib/one.py": numbered("one"),
    "lib/two.py": numbered("two"),
    "lib/three.py": numbered("three"),
    "docs/guide.md": numbered("guide"),
    "tool.sh": numbered("tool"),
    "logo.bin": b"\0logo" + bytes(range(256)),
    "empty.txt": b"",
    "tail.txt": b"first\nlast without newline",
    "größe.txt": numbered("size"),
    ".gitignore": b"*.log\n",
}
EXECUTABLE = frozenset({"tool.sh"})


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table.

    ``user`` and ``template`` edit a folder; ``conflict`` says that a person must decide;
    ``kept`` holds what must be found afterwards besides the user's mark; ``arrives`` says that
    the template's mark must be there. ``loose`` leaves the user's edit uncommitted.
    """

    name: str
    user: Edit
    template: Edit
    conflict: bool = False
    kept: Callable[[Path], bool] = lambda _: True
    marked: bool = True
    arrives: bool = True
    loose: bool = False


def line(path: str, number: int, mark: bytes) -> Edit:
    """Replace one line by a mark."""

    def edit(root: Path) -> None:
        lines = (root / path).read_bytes().splitlines(keepends=True)
        ending = b"\r\n" if lines[number].endswith(b"\r\n") else b"\n"
        lines[number] = mark + ending
        (root / path).write_bytes(b"".join(lines))

    return edit


def put(path: str, data: bytes) -> Edit:
    """Write a file."""

    def edit(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)

    return edit


def drop(path: str) -> Edit:
    """Remove a file."""
    return lambda root: (root / path).unlink()


def move(path: str, target: str) -> Edit:
    """Move a file or a folder."""

    def edit(root: Path) -> None:
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        (root / path).rename(root / target)

    return edit


def mode(path: str, bits: int) -> Edit:
    """Change a file's permissions."""
    return lambda root: (root / path).chmod(bits)


def crlf(path: str) -> Edit:
    """Turn a file's line endings into CRLF."""

    def edit(root: Path) -> None:
        data = (root / path).read_bytes()
        (root / path).write_bytes(data.replace(b"\n", b"\r\n"))

    return edit


def link(path: str, target: str) -> Edit:
    """Replace a file by a symbolic link."""

    def edit(root: Path) -> None:
        (root / path).unlink()
        (root / path).symlink_to(target)

    return edit


def also(*edits: Edit) -> Edit:
    """Do several edits, one after the other."""

    def edit(root: Path) -> None:
        for each in edits:
            each(root)

    return edit


def nothing(_root: Path) -> None:
    """Leave everything as it is."""


def absent(path: str) -> Callable[[Path], bool]:
    """Say that a path must not be there."""
    return lambda root: not (root / path).exists()


def executable(path: str) -> Callable[[Path], bool]:
    """Say that a file must be executable."""
    return lambda root: bool((root / path).stat().st_mode & 0o100)


def is_link(path: str) -> Callable[[Path], bool]:
    """Say that a path, or what git renamed it to in a conflict, is a symbolic link."""
    return lambda root: any(found.is_symlink() for found in root.glob(f"{path}*"))


def has_crlf(path: str) -> Callable[[Path], bool]:
    """Say that every line ends in CRLF."""

    def check(root: Path) -> bool:
        data = (root / path).read_bytes()
        return data.count(b"\n") == data.count(b"\r\n") > 0

    return check


SCENARIOS = (
    Scenario("nothing edited", nothing, line("main.py", 20, THEIRS), marked=False),
    Scenario("edits in two places of a file", line("main.py", 2, MINE), line("main.py", 20, THEIRS)),
    Scenario("edits of the same line", line("main.py", 2, MINE), line("main.py", 2, THEIRS), conflict=True),
    Scenario("the same edit on both sides", line("main.py", 2, MINE), line("main.py", 2, MINE), arrives=False),
    Scenario("template renames an edited file", line("main.py", 2, MINE), also(move("main.py", "core.py"), line("core.py", 20, THEIRS))),
    Scenario("template renames a folder with an edited file", line("lib/one.py", 2, MINE), also(move("lib", "pkg"), line("pkg/one.py", 20, THEIRS))),
    Scenario("template renames a folder with a new file of yours", put("lib/own.py", MINE), also(move("lib", "pkg"), line("pkg/one.py", 20, THEIRS))),
    Scenario("template deletes an edited file", line("extra.py", 2, MINE), also(drop("extra.py"), line("main.py", 20, THEIRS)), conflict=True),
    Scenario("template deletes an untouched file", line("main.py", 2, MINE), also(drop("extra.py"), line("main.py", 20, THEIRS)), kept=absent("extra.py")),
    Scenario("template deletes one edited file, renames another", also(line("extra.py", 2, MINE), line("main.py", 2, MINE + b"-2")), also(drop("extra.py"), move("main.py", "core.py"), line("core.py", 20, THEIRS)), conflict=True),
    Scenario("you deleted what the template edits", drop("extra.py"), line("extra.py", 20, THEIRS), conflict=True, marked=False),
    Scenario("you deleted what the template leaves", drop("extra.py"), line("main.py", 20, THEIRS), kept=absent("extra.py"), marked=False),
    Scenario("you renamed what the template edits", also(move("main.py", "app.py"), line("app.py", 2, MINE)), line("main.py", 20, THEIRS), kept=absent("main.py")),
    Scenario("you renamed what the template deletes", also(move("extra.py", "more.py"), line("more.py", 2, MINE)), also(drop("extra.py"), line("main.py", 20, THEIRS)), conflict=True),
    Scenario("both rename a file, differently", also(move("main.py", "app.py"), line("app.py", 2, MINE)), also(move("main.py", "core.py"), line("core.py", 20, THEIRS)), conflict=True),
    Scenario("both add a file, differently", put("new.md", MINE + b"\n"), put("new.md", THEIRS + b"\n"), conflict=True),
    Scenario("both add the same file", put("new.md", MINE + b"\n"), also(put("new.md", MINE + b"\n"), line("main.py", 20, THEIRS))),
    Scenario("template adds a file that is untracked here", put("new.md", MINE + b"\n"), put("new.md", THEIRS + b"\n"), conflict=True, loose=True, arrives=False),
    Scenario("template adds a file that is ignored here", also(put("new.md", MINE + b"\n"), put(".git/info/exclude", b"new.md\n")), put("new.md", THEIRS + b"\n"), conflict=True, loose=True, arrives=False),
    Scenario("you made a file executable that the template edits", mode("main.py", 0o755), line("main.py", 20, THEIRS), kept=executable("main.py"), marked=False),
    Scenario("you made a file executable that the template deletes", mode("extra.py", 0o755), also(drop("extra.py"), line("main.py", 20, THEIRS)), conflict=True, kept=executable("extra.py"), marked=False),
    Scenario("template makes a file executable that you edited", line("main.py", 2, MINE), also(mode("main.py", 0o755), line("main.py", 20, THEIRS)), kept=executable("main.py")),
    Scenario("both change a binary file", put("logo.bin", b"\0" + MINE), put("logo.bin", b"\0" + THEIRS), conflict=True, arrives=False),
    Scenario("template changes a binary file, you a text", line("main.py", 2, MINE), put("logo.bin", b"\0" + THEIRS)),
    Scenario("you turned a file to CRLF that the template edits", also(line("main.py", 2, MINE), crlf("main.py")), line("main.py", 20, THEIRS), kept=has_crlf("main.py")),
    Scenario("you replaced a file by a link, the template edits it", link("docs/guide.md", "../README.md"), line("docs/guide.md", 20, THEIRS), conflict=True, kept=is_link("docs/guide.md"), marked=False),
    Scenario("you turned a file into a folder, the template edits it", also(drop("extra.py"), put("extra.py/inside.py", MINE)), line("extra.py", 20, THEIRS), conflict=True),
    Scenario("template turns an edited file into a folder", line("extra.py", 2, MINE), also(drop("extra.py"), put("extra.py/inside.py", THEIRS)), conflict=True),
    Scenario("template turns a folder with a file of yours into a file", put("docs/own.md", MINE), also(drop("docs/guide.md"), lambda root: (root / "docs").rmdir(), put("docs", THEIRS)), conflict=True),
    Scenario("edits of a file with a name beyond ASCII", line("größe.txt", 2, MINE), line("größe.txt", 20, THEIRS)),
    Scenario("both append after a missing last newline", put("tail.txt", b"first\nlast without newline\n" + MINE), put("tail.txt", b"first\nlast without newline\n" + THEIRS), conflict=True),
    Scenario("you filled an empty file that the template deletes", put("empty.txt", MINE), also(drop("empty.txt"), line("main.py", 20, THEIRS)), conflict=True),
    Scenario("you moved lines to a new file, the template edits them", also(move("lib/two.py", "lib/parts/two.py"), line("lib/parts/two.py", 2, MINE)), line("lib/two.py", 20, THEIRS), kept=absent("lib/two.py")),
    Scenario("template moves a file onto a path where you have one", put("core.py", MINE), also(move("main.py", "core.py"), line("core.py", 20, THEIRS)), conflict=True),
    Scenario("uncommitted edits", line("main.py", 2, MINE), line("main.py", 20, THEIRS), conflict=True, loose=True, arrives=False),
    Scenario("both delete a file, and edit another", also(drop("extra.py"), line("main.py", 2, MINE)), also(drop("extra.py"), line("main.py", 20, THEIRS)), kept=absent("extra.py")),
)  # fmt: skip
