"""docs/adapting.md, followed literally: its patches, its commands, its request, its settings."""

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from house import ServiceProcess, wait_until
from markdown_it import MarkdownIt
from pydantic_ai.exceptions import ModelHTTPError
from receiver import receiver

from portfolio_project import settings
from portfolio_project.agent import build, models, steps
from portfolio_project.serving import load_settings

MODULES = {
    "portfolio-project": "portfolio_project",
    "pytest": "pytest",
}
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adapting.md"
PROGRAM = ".venv/bin/portfolio-project "
SERVER = "http://127.0.0.1:8000"
LEFT = "amara.osei@corp.example"


def blocks(language, after="", before="\n## Your own tickets"):
    """Return the fenced blocks of a language in a part of the page."""
    text = PAGE.read_text("utf-8").partition(after)[2] if after else PAGE.read_text("utf-8")
    part = text.partition(before)[0]
    return [t.content for t in MarkdownIt().parse(part) if t.type == "fence" and t.info == language]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the project, in which the page's commands run this copy's code."""
    folder = tmp_path / "copy"
    for name in ("src", "tests"):
        kept = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=kept)
    shutil.copy(ROOT / "pyproject.toml", folder)
    monkeypatch.setenv("PYTHONPATH", str(folder / "src"))
    return folder


def run(command, folder):
    """Run a command of the page with this interpreter."""
    name, *arguments = shlex.split(command)
    module = MODULES[Path(name).name]
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def apply_patches(folder):
    """Change a copy of the project as the page says."""
    for patch in blocks("diff"):
        applied = subprocess.run(
            ["git", "apply", "-p1", "-"],
            input=patch,
            text=True,
            capture_output=True,
            check=False,
            cwd=folder,
            env=os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)},
        )
        assert applied.returncode == 0, f"{applied.stderr}\n{patch}"


def test_every_patch_of_the_page_fits_this_project(copy):
    apply_patches(copy)

    assert (copy / "tests/unit/test_close_account.py").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_walk_ends_with_a_closed_account(copy):
    apply_patches(copy)
    (shown,) = blocks("console", "### 5.", "### 6.")
    *commands, serve = [line.removeprefix("$ ") for line in shown.splitlines()]
    assert serve == f"{PROGRAM}serve"
    for command in commands:
        run(command, copy)

    command = [sys.executable, "-m", "portfolio_project", "serve"]
    # However sure the small model is: the walk is about what comes after the reading.
    service = ServiceProcess(command, copy, WORKERS="1", CONFIDENCE_THRESHOLD="0")
    try:
        url = service.url
        assert employed(url)
        (request,) = blocks("bash")
        subprocess.run(["bash", "-c", request.replace(SERVER, url)], check=True, timeout=30)
        wait_until(lambda: waiting(url), "the question to a person", 120)
        (wanted,) = waiting(url)
        assert (wanted["action"], wanted["arguments"]) == ("close_account", {"email": LEFT})
        decision = f"{url}/v1/approvals/{wanted['id']}/decision"
        assert httpx2.post(decision, json={"approve": True}).status_code == 200
        wait_until(lambda: not employed(url), "the account to be closed", 120)
        log = httpx2.get(f"{url}/v1/audit").json()
        assert log["intact"]
        assert [e["action"] for e in log["newest"]].count("close_account.done") == 1
    finally:
        service.close()


def employed(url):
    people = httpx2.get(f"{url}/v1/company").json()["employees"]
    return any(line.startswith(LEFT) for line in people)


def waiting(url):
    return httpx2.get(f"{url}/v1/approvals", params={"state": "waiting"}).json()["items"]


@pytest.fixture
def elsewhere():
    """Somebody else's server, which answers nothing of its own."""
    with receiver(status=503) as server:
        yield server


@pytest.mark.parametrize(
    ("number", "path"), [(0, "/v1/responses"), (1, "/v1/chat/completions")], ids=["hosted", "own"]
)
def test_settings_alone_send_every_question_to_another_model(number, path, elsewhere, monkeypatch):
    chosen = blocks("ini", "## Another model", "## Verify")[number]
    address = f"{elsewhere.url}/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    for name, value in re.findall(r"^(\w+)=(.+)$", chosen, re.MULTILINE):
        monkeypatch.setenv(name, address if name.endswith("_URL") else value)
    given = load_settings(settings.Settings)

    async def ask():
        async with models.new_client(given) as client:
            model = models.choose_model(given, "http://127.0.0.1:9/v1", "local", client)
            agents = build.build_agents(model, durable=False)
            where = steps.Desk(None, "demo", "TCK-1", LEFT)
            await agents.triage.run(f"From: {LEFT}\n\nHello", deps=where)

    with pytest.raises(ModelHTTPError):
        asyncio.run(ask())
    asked = {(where, headers["authorization"]) for where, headers, _ in elsewhere.received}
    assert asked == {(path, "Bearer your-key")}
