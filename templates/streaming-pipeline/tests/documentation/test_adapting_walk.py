"""docs/adapting.md, followed to the letter on a copy of the project: payments become bike rides."""

import ast
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from house import wait_until
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
BASE_URL = "http://127.0.0.1:8000"
PROGRAM = ".venv/bin/portfolio-project"
SECTIONS = re.split(r"^### ", (ROOT / "docs/adapting.md").read_text("utf-8"), flags=re.MULTILINE)
BUILT = (".venv", "var", "build", "dist", ".git", "__pycache__", ".*_cache", ".hypothesis")
KEPT = ("src", "tests", "tools", "docs", "reports", "benchmarks", "pyproject.toml", "README.md")


def section_text(number):
    (text,) = [one for one in SECTIONS if one.startswith(f"{number}.")]
    return text


def blocks(section, language):
    """The page's code of `language` in the section of this number."""
    tokens = MarkdownIt().parse(section_text(section))
    return [one.content for one in tokens if one.type == "fence" and one.info == language]


def commands(section):
    lines = [line for block in blocks(section, "console") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines]


def names(node):
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {one.id for one in targets}
    return set()


def spans(code):
    """Name -> (first line, last line), the string that documents a constant included."""
    nodes = ast.parse(code).body
    found = {}
    for node, after in zip(nodes, [*nodes[1:], None], strict=True):
        documented = isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(after, ast.Expr)
        for name in names(node):
            found[name] = node.lineno - 1, (after if documented else node).end_lineno
    return found


def put_in_place(path, block):
    """Let each definition of `block` take the place of the one of its name in `path`."""
    given = block.splitlines()
    for name, (start, stop) in spans(block).items():
        lines = path.read_text("utf-8").splitlines()
        there = spans("\n".join(lines))
        assert name in there, f"{path.name} has no {name}"
        first, last = there[name]
        lines[first:last] = given[start:stop]
        path.write_text("\n".join(lines) + "\n", "utf-8")


@pytest.fixture
def project(tmp_path):
    """A copy whose files are its own, as a generated project's are."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in KEPT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        options = {"ignore": shutil.ignore_patterns(*BUILT)} if copy is shutil.copytree else {}
        copy(ROOT / name, folder / name, **options)
    (folder / "var").mkdir()
    return folder


@pytest.fixture
def run(project):
    """Run a line of the page in the copy, by this environment's Python."""
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}

    def run_line(line, *, wait=True):
        words = shlex.split(line)
        if words[0] == PROGRAM:
            words[:1] = [sys.executable, "-m", "portfolio_project"]
        elif words[0] == "python":
            words[0] = sys.executable
        options = {"cwd": project, "env": environment, "text": True}
        if not wait:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, **options)
        done = subprocess.run(words, capture_output=True, timeout=100, check=False, **options)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run_line


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def curl(command, url):
    """What the page's request answers, None if it is not answered."""
    words = ["bash", "-c", command.replace(BASE_URL, url)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout if done.returncode == 0 else None


@pytest.fixture
def adapted(project, run):
    """The copy after sections 1 to 5, and what `evaluate` printed."""
    for line in commands(1):
        if not line.startswith("make "):  # what it does is tested where it is done
            run(line)
    for section, name in ((2, "events"), (3, "features"), (4, "rules")):
        assert f"/{name}.py`" in section_text(section)
        (block,) = blocks(section, "python")
        put_in_place(next((project / "src").glob(f"*/{name}.py")), block)
    (script,) = blocks(5, "python")
    (project / "var/rides.py").write_text(script, "utf-8")
    return [run(line) for line in commands(5)][-1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_another_domain_comes_in_through_three_files(adapted, run):
    assert "rules" in adapted
    assert "lightgbm" in adapted
    (serve,) = commands(6)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = run(f"{serve} --port {port}", wait=False)
    try:
        wait_until(lambda: curl(f"curl -fs {BASE_URL}/health/ready", url), "ready")
        (block,) = blocks(6, "sh")
        asked, sent, read = re.split(r"\n(?=curl)", block)
        question = json.loads(curl(asked, url))
        assert question["features"]["mileage"] == 0.24
        assert "bike_idle_days" in question["features"]
        assert json.loads(curl(sent, url))["accepted"] == 1
        assert "1 events processed" in run(f"{PROGRAM} stream --until-end")
        (decision,) = json.loads(curl(read, url))["items"]
        assert (decision["bike_id"], decision["ride_metres"]) == ("bike-7", 240)
        assert decision["score"] == question["score"]
    finally:
        server.terminate()
        server.wait(20)
