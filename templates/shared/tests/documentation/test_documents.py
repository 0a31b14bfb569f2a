"""What the documents say is true of this repository: links, paths, targets, commands, figures."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from markdown_it import MarkdownIt

from portfolio_project import cli
from portfolio_project.provenance import documents

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAM = ".venv/bin/portfolio-project"
FOLDERS = ("benchmarks", "docs", "reports", "src", "tests", "tools")
BASE_URL = "http://127.0.0.1:8000"


def code_of(page):
    """Return every piece of code in a page: inline, and line by line in fences."""
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type == "fence" and token.info != "mermaid":
            yield from token.content.splitlines()
        for child in token.children or ():
            if child.type == "code_inline":
                yield child.content


def shell_lines(page, language):
    """Return the commands of a page's fences of `language`, continuation lines joined."""
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type == "fence" and token.info == language:
            text = token.content.replace("\\\n", " ")
            yield from (line for line in text.splitlines() if line and line[0] != "#")


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


def links(page):
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target and "://" not in target and not target.startswith("mailto:"):
                yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_is_named_exists(page):
    start = "|".join(FOLDERS)
    for code in code_of(page):
        for path in re.findall(rf"(?<![\w/.-])(?:{start})/[\w./-]*\w", code):
            assert (ROOT / path).exists(), path
    modules = {path.name for path in (ROOT / "src").glob("*/*.py")}
    for code in code_of(page):
        if re.fullmatch(r"\w+\.py", code):
            assert code in modules, code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    for code in code_of(page):
        for wanted in re.findall(r"\bmake ([a-z][a-z-]*)", code):
            assert wanted in targets, f"make {wanted}"


def program_calls(page):
    for code in code_of(page):
        for call in re.findall(rf"{re.escape(PROGRAM)} ([^|>#\n]+)", code):
            yield shlex.split(call)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists_with_its_options(page):
    for words in program_calls(page):
        command = typer.main.get_command(cli.app)
        for word in words:
            if hasattr(command, "commands"):
                assert word in command.commands, f"{PROGRAM} {shlex.join(words)}"
                command = command.commands[word]
            elif word.startswith("--"):
                known = {name for option in command.params for name in option.opts}
                assert word.partition("=")[0] in known | {"--help"}, shlex.join(words)


def test_every_figure_is_the_one_in_its_report(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert documents.update(check=True) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_requests_that_a_page_shows_are_answered(page, request):
    """Fences marked `bash` are run as written, against a server at a port that is free."""
    commands = list(shell_lines(page, "bash"))
    if not commands:
        return
    assert shutil.which("curl"), "install curl: the documents' requests are made with it"
    url = request.getfixturevalue("live_server")
    for command in commands:
        assert command.startswith("curl "), f"only requests are safe to run: {command}"
        assert BASE_URL in command, command
        done = subprocess.run(
            ["bash", "-c", command.replace(BASE_URL, url)],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
