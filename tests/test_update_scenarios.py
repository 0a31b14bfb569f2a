"""Each scenario of the benchmark, with scaffold: nothing lost, nothing hidden, exit code right."""

import shutil
import subprocess
from types import SimpleNamespace

import pytest
from lifecycle_world import NAME, World, snapshot, write

from benchmarks.scenarios import BASE, EXECUTABLE, SCENARIOS
from benchmarks.updates import is_right, judged
from scaffold import release, template
from scaffold.pack import pack


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a world with a project of version 0.1.0, made once."""
    root = tmp_path_factory.mktemp("scenarios") / "w"
    with pytest.MonkeyPatch.context() as patch:
        world = World(root, patch, dict(BASE), set(EXECUTABLE))
        world.new()
    return root


@pytest.fixture
def world(saved, tmp_path, monkeypatch):
    shutil.copytree(saved, tmp_path / "w", symlinks=True)
    shutil.rmtree(tmp_path / "w" / "home")
    (tmp_path / "w" / "history.bundle").unlink()
    return World(tmp_path / "w", monkeypatch, dict(BASE), set(EXECUTABLE))


def publish(world, edit):
    folder = world.templates / NAME
    edit(folder)
    meta = folder / "template.toml"
    meta.write_text(meta.read_text().replace("0.1.0", "0.2.0"))
    release.release(template.available().values(), world.bundle)


def seen_by_git(world):
    def run(*command, cwd):
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)

    return SimpleNamespace(project=world.project, run=run, environment=None)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_nothing_is_lost_and_nothing_hidden(world, scenario):
    scenario.user(world.project)
    if not scenario.loose:
        world.commit()
    publish(world, scenario.template)
    before = snapshot(world.project)
    result = world.update("--json")
    done = SimpleNamespace(returncode=result.code)
    assert is_right(scenario, judged(seen_by_git(world), scenario, done)), result
    assert bool(result.code) is scenario.conflict
    if result.code == 2:
        assert snapshot(world.project) == before
    else:
        world.update("--abort", code=0)
        assert snapshot(world.project) == before


def test_an_installed_wheel_updates_what_an_older_one_made(world, monkeypatch):
    publish(world, lambda folder: write(folder, {"news.md": "`portfolio-project`\n"}, set()))
    packed = world.root / "packed"
    packed.mkdir()
    for each in template.available().values():
        pack(each, packed)
    shutil.rmtree(world.templates)
    monkeypatch.setattr(template, "PACKED", packed)
    world.update(code=0)
    assert world.read("news.md") == "`my-app`\n"


def test_strange_settings_of_git_change_nothing(world):
    plain = world.root / "plain"
    shutil.copytree(world.project, plain)
    config = world.root / "home" / ".gitconfig"
    settings = "[merge]\n\trenames = false\n\tconflictStyle = diff3\n[core]\n\tautocrlf = input\n"
    hooks = f"\thooksPath = {world.root / 'hooks'}\n[diff]\n\tnoprefix = true\n\trenames = false\n"
    SCENARIOS[4].user(world.project)
    world.commit()
    config.write_text(config.read_text() + settings + hooks)
    write(world.root / "hooks", {"post-checkout": "#!/bin/sh\nexit 1\n"}, {"post-checkout"})
    publish(world, SCENARIOS[4].template)
    result = world.update("--json", code=0)
    assert not result.doc["conflicts"]
    assert b"MINE-7f3a" in (world.project / "core.py").read_bytes()


def test_attributes_of_the_project_hold_for_what_is_written(world):
    world.write(".gitattributes", "*.py text eol=crlf\n")
    world.commit()
    world.git("rm", "-q", "--cached", "-r", ".")
    world.git("reset", "-q", "--hard")
    assert b"\r\n" in (world.project / "main.py").read_bytes()
    publish(world, SCENARIOS[1].template)
    world.update(code=0)
    data = (world.project / "main.py").read_bytes()
    assert b"THEIRS-91bd\r\n" in data
    assert data.count(b"\r\n") == data.count(b"\n")
    assert world.git("diff", "--name-only") == ""


def test_a_linked_work_tree_is_updated_like_any_other(world):
    publish(world, SCENARIOS[0].template)
    linked = world.root / "linked"
    world.git("worktree", "add", "-q", "-b", "side", str(linked))
    world.run("update", linked, code=0)
    assert b"THEIRS-91bd" in (linked / "main.py").read_bytes()
    assert world.git("status", "--porcelain") == ""
    world.run("update", linked, "--abort", code=0)
    assert b"THEIRS-91bd" not in (linked / "main.py").read_bytes()


def test_a_locked_index_and_a_repository_without_commits_are_one_line(world):
    publish(world, SCENARIOS[0].template)
    lock = world.project / ".git" / "index.lock"
    lock.write_text("somebody else")
    result = world.update()
    assert result.code == 1
    assert "index.lock" in result.err
    assert lock.read_text() == "somebody else"
    lock.unlink()
    shutil.rmtree(world.project / ".git")
    result = world.update()
    assert result.code == 2
    assert "in no git repository" in result.err
    subprocess.run(["git", "init", "-q", world.project], check=True)
    result = world.update()
    assert result.code == 2
    assert "isn't committed yet" in result.err
    assert result.err.count("\n") == 1
