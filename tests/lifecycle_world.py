"""A little world for the tests of a project's life: a template with releases, and projects."""

import contextlib
import io
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scaffold import cli, history, release, template
from scaffold.tree import read_tree

NAME = "tiny"
IDENTITY = {
    "project_name": "my-app",
    "package_name": "my_app",
    "title": "My App",
    "description": "It does things.",
    "author_name": "Ada Lovelace",
    "author_email": "ada@example.org",
    "owner": "ada",
    "license": "MIT",
}
FILES = {
    "README.md": "# Portfolio Project\n\nA portfolio project.\n\nInstall `portfolio-project`.\n",
    "pyproject.toml": (
        '[project]\nname = "portfolio-project"\nversion = "0.1.0"\n'
        'description = "A portfolio project."\nrequires-python = ">=3.11"\n'
    ),
    "Makefile": "test:\n\tpython -m portfolio_project\n",
    "src/portfolio_project/__init__.py": '"""The package."""\n',
    "src/portfolio_project/core.py": "".join(f"LINE_{n} = {n}\n" for n in range(20)),
    "src/portfolio_project/extra.py": "".join(f"EXTRA_{n} = {n}\n" for n in range(20)),
    "tests/test_core.py": "from portfolio_project import core\n\n\nassert core.LINE_1 == 1\n",
    "tools/run": "#!/bin/sh\nexec python -m portfolio_project\n",
    ".gitignore": "*.log\n/var/\n",
}
EXECUTABLE = {"tools/run"}


@dataclass
class Result:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def doc(self):
        return json.loads(self.out)


@dataclass
class World:
    """Templates, their released trees, and a project, all below one folder."""

    root: Path
    patch: pytest.MonkeyPatch
    files: dict = field(default_factory=lambda: dict(FILES))
    executable: set = field(default_factory=lambda: set(EXECUTABLE))

    def __post_init__(self):
        home = self.root / "home"
        home.mkdir(parents=True)
        (home / ".gitconfig").write_text("[user]\n\tname = Me\n\temail = me@example.org\n")
        self.patch.setenv("HOME", str(home))
        self.patch.delenv("XDG_CONFIG_HOME", raising=False)
        self.patch.setattr(template, "LIVING", self.templates)
        self.patch.setattr(template, "PACKED", self.root / "absent")
        self.patch.setattr(history, "BUNDLE", self.bundle)
        self.publish("0.1.0")

    @property
    def templates(self):
        return self.root / "templates"

    @property
    def bundle(self):
        return self.root / "history.bundle"

    @property
    def project(self):
        return self.root / "project"

    def publish(self, version, *, released=True, **changes):
        """Make `version` the present state of the template, and release it."""
        for path, content in changes.pop("files", {}).items():
            if content is None:
                self.files.pop(path)
            else:
                self.files[path] = content
        folder = self.templates / NAME
        shutil.rmtree(folder, ignore_errors=True)
        write(folder, self.files, changes.pop("executable", self.executable))
        meta = f'summary = "A tiny template"\nversion = "{version}"\nhighlights = ["tiny"]\n'
        (folder / "template.toml").write_text(meta)
        (folder / "LICENSE").write_text("stands for the chosen one\n")
        assert not changes
        if released:
            release.release(template.available().values(), self.bundle)

    def new(self, **answers):
        data = [f"--data={key}={value}" for key, value in (IDENTITY | answers).items()]
        self.run("new", NAME, self.project, "--defaults", "--no-lock", *data, code=0)
        return self.project

    def run(self, *words, code=None):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            found = cli.main([str(word) for word in words])
        result = Result(found, out.getvalue(), err.getvalue())
        if code is not None:
            assert found == code, result
        return result

    def update(self, *words, code=None):
        return self.run("update", self.project, *words, code=code)

    def write(self, path, content):
        write(self.project, {path: content}, set())

    def read(self, path):
        return (self.project / path).read_text()

    def git(self, *words):
        command = ["git", "-C", self.project, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self, message="mine"):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def edit(self, path, old, new):
        text = self.read(path)
        assert old in text
        self.write(path, text.replace(old, new))

    def state(self):
        """Return all that a user can see of the project: files, modes, HEAD and the index."""
        return snapshot(self.project)


def snapshot(project):
    seen = {}
    for parent, _, names in os.walk(project):
        if ".git" in Path(parent).relative_to(project).parts:
            continue
        for name in names:
            path = Path(parent) / name
            mode = path.lstat().st_mode
            content = str(path.readlink()) if path.is_symlink() else path.read_bytes()
            seen[path.relative_to(project).as_posix()] = (mode, content)
    listed = subprocess.run(
        ["git", "-C", project, "ls-files", "--stage", "-z"], check=True, capture_output=True
    ).stdout
    head = subprocess.run(
        ["git", "-C", project, "rev-parse", "HEAD"], check=True, capture_output=True
    ).stdout
    return seen, listed, head


def write(folder, files, executable):
    for path, content in files.items():
        target = folder / path
        if content is None:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        if path in executable:
            target.chmod(0o755)


def tree(folder):
    return read_tree(folder)


@pytest.fixture
def world(tmp_path, monkeypatch):
    return World(tmp_path / "w", monkeypatch)
