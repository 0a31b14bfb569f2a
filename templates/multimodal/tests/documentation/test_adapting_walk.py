"""docs/adapting.md, followed literally: its script, configuration, commands and request."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from house import ServiceProcess
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adapting.md"
SERVER = "http://127.0.0.1:8000"
PROGRAM = ".venv/bin/portfolio-project"


def block(language):
    """The one fence of that language."""
    tokens = MarkdownIt().parse(PAGE.read_text("utf-8"))
    (found,) = (t.content for t in tokens if t.type == "fence" and t.info == language)
    return found


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the project, in which the page's commands run this copy's code."""
    folder = tmp_path / "copy"
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(folder / "src"))
    return folder


def run(command, folder):
    """Run a command of the page with this interpreter; returns what it said."""
    program, *arguments = shlex.split(command)
    module = ["-m", "portfolio_project"] if program == PROGRAM else []
    done = subprocess.run(
        [sys.executable, *module, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_walk_ends_with_the_right_flag_on_the_search_page(copy):
    (copy / "make_flags.py").write_text(block("python"), "utf-8")
    configs = copy / "src" / "portfolio_project" / "configs"
    (configs / "flags.toml").write_text(block("toml"), "utf-8")
    *commands, serve = [line.removeprefix("$ ") for line in block("console").splitlines()]
    assert serve == f"{PROGRAM} serve"
    said = {command.removeprefix(f"{PROGRAM} "): run(command, copy) for command in commands}
    counts = json.loads((copy / "var" / "data" / "run.json").read_bytes())["metrics"]
    assert counts["samples_train"] + counts["samples_validation"] + counts["samples_test"] == 420
    assert "  serves" in said["train --config flags"]
    assert "420 documents of train, validation, test" in said["index build"]

    module = "portfolio_project"
    service = ServiceProcess([sys.executable, "-m", module, "serve"], copy)
    try:
        url = service.url
        answered = subprocess.run(
            ["bash", "-c", block("bash").replace(SERVER, url)],
            capture_output=True,
            check=True,
            timeout=30,
        )
        search, by_attributes = f"{url}/v1/search", block("json")
        for answer in (
            json.loads(answered.stdout),
            httpx2.post(search, json=json.loads(by_attributes)).json(),
        ):
            best, *_ = answer["hits"]
            assert best["caption"] == "a flag of blue, white and red from left to right"
            assert best["attributes"]["way"] == "upright"
        refused = httpx2.post(search, json=json.loads(by_attributes.replace("blue", "pink")))
        assert refused.status_code == 409
        assert "pink" in refused.json()["detail"]
        assert "orange" in refused.json()["attributes"]["first"]
        assert httpx2.get(url).headers["content-type"].startswith("text/html")
    finally:
        service.close()
