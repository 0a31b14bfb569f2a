"""Three tools that bring a template's news into a project, each as its users run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

DRIVER = Path(__file__).with_name("scaffold_at.py")
NAME = "bench"


@dataclass
class Tool:
    """A tool at work in a folder of its own: ``template`` is edited, ``project`` is updated."""

    name: str
    root: Path
    environment: dict[str, str]
    template: Path = field(init=False)
    project: Path = field(init=False)

    def __post_init__(self) -> None:
        self.template = self.root / "template"
        self.project = self.root / "project"

    def run(
        self, *command: str | Path, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [str(part) for part in command],
            cwd=cwd or self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=300,
        )

    def must(self, *command: str | Path, cwd: Path | None = None) -> None:
        """Run a command that has to succeed."""
        done = self.run(*command, cwd=cwd)
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")

    def commit(self, folder: Path, message: str, tag: str = "") -> None:
        """Commit everything in a folder, making it a repository first if it's none."""
        if not (folder / ".git").exists():
            self.must("git", "init", "-q", "-b", "main", cwd=folder)
        self.must("git", "add", "-A", cwd=folder)
        self.must("git", "commit", "-q", "--allow-empty", "-m", message, cwd=folder)
        if tag:
            self.must("git", "tag", tag, cwd=folder)

    def start(self) -> None:
        """Make a project, committed, from the template's present state as version 0.1.0."""
        raise NotImplementedError

    def publish(self) -> None:
        """Make the template's present state version 0.2.0."""
        raise NotImplementedError

    @property
    def content(self) -> Path:
        """The folder in the template that becomes the project."""
        return self.template

    @property
    def update(self) -> list[str]:
        """The command that updates, to be run in the project."""
        raise NotImplementedError


class Scaffold(Tool):
    """`scaffold update`, with the old version carried in the package's history."""

    @property
    def content(self) -> Path:
        return self.template / NAME

    @property
    def _scaffold(self) -> list[str]:
        return [sys.executable, str(DRIVER), str(self.template), str(self.root / "history.bundle")]

    def _version(self, version: str) -> None:
        text = f'summary = "A template"\nversion = "{version}"\nhighlights = ["small"]\n'
        (self.content / "template.toml").write_text(text, encoding="utf-8")
        (self.content / "LICENSE").write_text("stands for the chosen one\n", encoding="utf-8")
        self.must(*self._scaffold, "release")

    def start(self) -> None:
        self._version("0.1.0")
        new = ["new", NAME, str(self.project), "--defaults", "--no-lock"]
        self.must(*self._scaffold, *new)

    def publish(self) -> None:
        self._version("0.2.0")

    @property
    def update(self) -> list[str]:
        return [*self._scaffold, "update"]


class Copier(Tool):
    """`copier update`, in its default mode."""

    @property
    def content(self) -> Path:
        return self.template / "content"

    def start(self) -> None:
        record = "{{ _copier_answers|to_nice_yaml }}"
        answers = self.content / "{{ _copier_conf.answers_file }}.jinja"
        answers.write_text(record, encoding="utf-8")
        text = "_subdirectory: content\nproject_name: {type: str, default: bench}\n"
        (self.template / "copier.yml").write_text(text, encoding="utf-8")
        self.commit(self.template, "0.1.0", "0.1.0")
        copy = ["copy", "-q", "--defaults", str(self.template), str(self.project)]
        self.must(sys.executable, "-m", "copier", *copy)
        self.commit(self.project, "start")

    def publish(self) -> None:
        self.commit(self.template, "0.2.0", "0.2.0")

    @property
    def update(self) -> list[str]:
        return [sys.executable, "-m", "copier", "update", "--defaults"]


class Cruft(Tool):
    """`cruft update`, accepting what it offers."""

    @property
    def content(self) -> Path:
        return self.template / "{{cookiecutter.project_name}}"

    def start(self) -> None:
        asked = {"project_name": "project"}
        (self.template / "cookiecutter.json").write_text(json.dumps(asked), encoding="utf-8")
        self.commit(self.template, "0.1.0")
        create = ["create", "-y", str(self.template), "--output-dir", str(self.root)]
        self.must(sys.executable, "-m", "cruft", *create)
        self.commit(self.project, "start")

    def publish(self) -> None:
        self.commit(self.template, "0.2.0")

    @property
    def update(self) -> list[str]:
        return [sys.executable, "-m", "cruft", "update", "--skip-apply-ask"]


TOOLS: dict[str, type[Tool]] = {"scaffold": Scaffold, "copier": Copier, "cruft": Cruft}


def environment(home: Path) -> dict[str, str]:
    """Return an environment with a home of its own and a git that knows who commits."""
    home.mkdir(parents=True, exist_ok=True)
    config = (
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    (home / ".gitconfig").write_text(config, encoding="utf-8")
    (home / "cookiecutter.yaml").write_text(
        f"cookiecutters_dir: {home / 'cookiecutters'}\nreplay_dir: {home / 'replay'}\n",
        encoding="utf-8",
    )
    return {
        "COOKIECUTTER_CONFIG": str(home / "cookiecutter.yaml"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "TERM": "dumb",
    }


def clone_of(tool: Tool, root: Path) -> Tool:
    """Return the tool in a copy of its folder, at the same path (tools record absolute ones)."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(tool.root, root, symlinks=True)
    return type(tool)(tool.name, root, tool.environment)
