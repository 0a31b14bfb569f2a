"""What `scaffold` costs beside Copier and Cookiecutter, on the same template in one run.

`python -m benchmarks.generation` builds the wheel, installs it into an empty environment (as a user
has it), writes the template in both engines' flavours, lets all three make the same project, and
writes the medians to benchmarks/results/generation.json.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cpu import Contender, compare
from scaffold.flavours import to_cookiecutter, to_copier
from scaffold.library import find, tree_of
from scaffold.place import write_tree
from scaffold.uv_command import find_uv

if TYPE_CHECKING:
    from scaffold.tree import File, Tree

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results" / "generation.json"
TEMPLATE = "streaming-pipeline"
ROUNDS = 9


def installed(scratch: Path) -> Path:
    """The scripts folder of a new environment that has nothing but scaffold's wheel."""
    uv = find_uv()
    if uv is None:
        raise RuntimeError("there is no uv: pip install uv")
    subprocess.run(
        [uv, "build", "--quiet", "--wheel", "--out-dir", str(scratch / "dist"), str(ROOT)],
        check=True,
    )
    environment = scratch / "environment"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    (wheel,) = (scratch / "dist").glob("*.whl")
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", environment, wheel],
        check=True,
    )
    return environment / "bin"


def every_file_rendered(tree: Tree) -> Tree:
    """The Copier flavour as template authors write it: each text file goes through the engine."""
    suffixed: dict[str, File] = {}
    for path, file in tree.items():
        plain = path.startswith("template/") and not path.endswith(".jinja")
        suffixed[f"{path}.jinja" if plain and b"\0" not in file.data else path] = file
    return suffixed


def contenders(scripts: Path, scratch: Path) -> list[Contender]:
    """The commands to compare; each starts with its output folder absent."""
    template = find(TEMPLATE)
    tree = tree_of(template)
    copier_flavour = to_copier(tree, template)
    flavours = {
        "copier": copier_flavour,
        "copier-all": every_file_rendered(copier_flavour),
        "cookiecutter": to_cookiecutter(tree, template),
    }
    for name, flavour in flavours.items():
        (scratch / name).mkdir()
        write_tree(flavour, scratch / name)
    out = scratch / "out"

    def absent() -> None:
        shutil.rmtree(out, ignore_errors=True)

    def tool(name: str) -> str:
        return str(scripts / name)

    new = [tool("scaffold"), "new", TEMPLATE, str(out), "--defaults"]
    copy = [tool("copier"), "copy", "--quiet", "--defaults"]
    return [
        Contender("python", [tool("python"), "-c", "pass"]),
        Contender("argparse", [tool("python"), "-c", "import argparse"]),
        Contender("scaffold --help", [tool("scaffold"), "--help"]),
        Contender("scaffold list", [tool("scaffold"), "list"]),
        Contender("scaffold new", [*new, "--no-git", "--no-lock"], absent),
        Contender("scaffold new, with git", [*new, "--no-lock"], absent),
        Contender("copier copy", [*copy, str(scratch / "copier-all"), str(out)], absent),
        Contender(
            "copier copy, verbatim files", [*copy, str(scratch / "copier"), str(out)], absent
        ),
        Contender(
            "cookiecutter",
            [tool("cookiecutter"), "--no-input", "-o", str(out), str(scratch / "cookiecutter")],
            absent,
        ),
    ]


def measure() -> dict[str, object]:
    """Run all of it; CPU seconds are medians over ROUNDS."""
    with tempfile.TemporaryDirectory(prefix="scaffold-bench-") as folder:
        scratch = Path(folder)
        home = scratch / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n", encoding="utf-8"
        )
        scripts = installed(scratch)
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
        seconds = compare(contenders(scripts, scratch), scratch, environment, ROUNDS)
    new = seconds["scaffold new"]
    return {
        "template": TEMPLATE,
        "files": len(tree_of(find(TEMPLATE))),
        "rounds": ROUNDS,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("copier", "cookiecutter")},
        "cpu_seconds": {name: round(value, 3) for name, value in seconds.items()},
        "ratios": {
            "new / copier copy": round(new / seconds["copier copy"], 2),
            "new / cookiecutter": round(new / seconds["cookiecutter"], 2),
            "--help / argparse": round(seconds["scaffold --help"] / seconds["argparse"], 2),
            "list / argparse": round(seconds["scaffold list"] / seconds["argparse"], 2),
        },
    }


def main() -> None:
    """Measure, print, and keep the result."""
    result = measure()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
