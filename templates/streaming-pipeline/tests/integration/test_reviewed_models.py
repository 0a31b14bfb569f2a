"""With a reviewed branch named, no way leads an unreviewed model to where it decides."""

import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from portfolio_project import cli, train
from portfolio_project.challenger import trial_of
from portfolio_project.provenance import Registry, hashing
from portfolio_project.serving import in_thread, load_settings
from portfolio_project.settings import Settings

LOCK = Path(__file__).parents[2] / "requirements.lock"
CODE = hashing.PACKAGE


class Checkout:
    """A repository with this project's code and lock in it, on a branch called main."""

    def __init__(self, root):
        self.package = root / "src" / CODE.name
        shutil.copytree(CODE, self.package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(LOCK, root)
        self._root = root
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *arguments):
        settings = ("user.name=someone", "user.email=someone@example.com", "commit.gpgsign=false")
        given = [part for one in settings for part in ("-c", one)]
        command = ["git", "-C", str(self._root), *given, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "work")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path, monkeypatch, workspace):
    """Where git is asked from. Nothing is committed yet; each promotion asks for main."""
    found = Checkout(tmp_path / "checkout")
    monkeypatch.setattr(hashing, "PACKAGE", found.package)
    monkeypatch.setenv("PORTFOLIO_PROJECT_DATA_DIR", str(workspace))
    monkeypatch.setenv("PORTFOLIO_PROJECT_REVIEWED_BRANCH", "main")
    (found.package / "todo.py").write_text("RATE = 1\n")
    found.commit()
    (found.package / "todo.py").unlink()
    return found


@pytest.fixture
def waiting(workspace):
    """The better model, when the other one serves."""
    registry = Registry(workspace / "registry")
    version = registry.current_id()
    registry.rollback()
    return version


def command(*arguments):
    done = CliRunner().invoke(cli.app, ["models", *arguments])
    return f"{done.output}{done.exception or ''}"


def deciding(workspace):
    """The versions that decide about payments."""
    registry = Registry(workspace / "registry")
    trial = trial_of(registry)
    return {registry.current_id(), trial and trial.version}


def trained_again(workspace):
    """Register the better model as a training does, and let it serve if it may."""
    settings = load_settings(Settings)
    folder = workspace / "models/lightgbm"
    gate = train.gate_of(settings)
    return train.register(Registry(settings.registry_dir), folder, gate).refused or "serves"


WAYS = {
    "command": lambda version, *_: command("promote", version),
    "canary": lambda version, *_: command("try", version, "--share", "0.1"),
    "training": lambda _version, workspace, _: trained_again(workspace),
    "API": lambda version, _, client: client.post(f"/v1/models/{version}/promote").text,
    "canary by API": lambda version, _, client: (
        client.post(f"/v1/models/{version}/try", json={"share": 0.1}).text
    ),
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def bring_in(request, waiting, workspace, app_factory, checkout):
    """Try to let the waiting model decide, by one of the ways; returns what is said to it."""
    app = app_factory(reviewed_branch="main")
    with in_thread(app) as url, httpx2.Client(base_url=url, timeout=60) as client:
        yield lambda: request.param(waiting, workspace, client)


def test_a_model_of_code_that_was_not_merged_is_kept_out(bring_in, waiting, workspace):
    assert "no known commit of main" in bring_in()
    assert waiting not in deciding(workspace)


def test_once_merged_the_same_model_may_come_in(bring_in, checkout, waiting, workspace):
    checkout.commit()
    assert "no known commit" not in bring_in()
    assert waiting in deciding(workspace)


def test_where_a_model_came_from_is_shown(checkout, waiting, workspace, app_factory):
    head = checkout.commit()
    trained_again(workspace)
    assert f"{waiting} is of commit {head} on main" in command("review")
    assert f"commit {head[:12]}" in command("list")
    with in_thread(app_factory()) as url:
        models = httpx2.get(f"{url}/v1/models").json()["models"]
    assert [one["commit"] for one in models if one["version"] == waiting] == [head]


def test_settings_that_no_profile_has_are_not_reviewed(checkout, waiting, workspace):
    checkout.commit()
    registry = Registry(workspace / "registry")
    known = registry.get(waiting)
    config = {**known.manifest.config, "train_days": 13}
    changed = known.manifest.model_copy(
        update={"config": config, "config_sha256": hashing.sha256_json(config)}
    )
    version = registry.register({name: known.path(name) for name in known.files}, changed)
    assert "settings were given by hand" in command("promote", version)
    assert f"{waiting} is of commit" in command("review", waiting)
    assert "settings were given by hand" in command("review", version)
