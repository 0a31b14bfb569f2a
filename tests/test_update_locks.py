"""Locks are locked again, not merged: against a registry of our own, and without one."""

import os

import pytest
from lifecycle_world import FILES, NAME, world
from registry import serve

from scaffold import seed
from scaffold.lockfiles import is_seed, locked_pins
from scaffold.uv_command import uv

__all__ = ["world"]

PYPROJECT = FILES["pyproject.toml"] + 'dependencies = ["beta{}"]\n'


@pytest.fixture(autouse=True)
def registry(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("UV_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with serve() as registry:
        registry.add("alpha", "1.0")
        registry.add("beta", "1.0", requires=["alpha"])
        registry.add("gamma", "1.0")
        monkeypatch.setenv("UV_DEFAULT_INDEX", registry.address)
        yield registry


def publish(world, version, needs, **files):
    """Release a version of the template that needs another beta, with locks made for it."""
    files["pyproject.toml"] = PYPROJECT.format(needs)
    locks = ("uv.lock", "requirements.lock")
    world.publish(version, released=False, files=files | dict.fromkeys(locks, ""))
    folder = world.templates / NAME
    for name in locks:
        (folder / name).unlink()
    assert seed.main([str(folder)]) == 0
    world.publish(version, files={name: (folder / name).read_text() for name in locks})


def start(world):
    publish(world, "0.2.0", ">=1")
    world.new()
    world.run("update", world.project, code=0)
    world.project.joinpath("uv.lock").write_text(world.read("uv.lock"))
    assert uv(["lock", "--quiet"], cwd=world.project).ok
    world.commit()
    assert not is_seed(world.project / "uv.lock")


def pins(world):
    return dict(locked_pins(world.read("uv.lock")))


def test_newly_vetted_versions_are_taken_over(world, registry):
    start(world)
    registry.add("beta", "2.0", requires=["alpha"])
    publish(world, "0.3.0", ">=2")
    result = world.update("--json", code=0)
    assert result.doc["lock"]["ok"], result.doc
    assert {"path": "uv.lock", "change": "modified"} in result.doc["changes"]
    assert pins(world) == {"alpha": "1.0", "beta": "2.0"}
    assert not is_seed(world.project / "uv.lock")
    assert "beta==2.0" in world.read("requirements.lock")
    assert uv(["lock", "--check"], cwd=world.project).ok
    assert world.git("diff", "--name-only") == ""


def test_dependencies_of_yours_stay_locked(world, registry):
    start(world)
    world.edit("pyproject.toml", 'name = "my-app"', 'name = "my-app"\nkeywords = []')
    text = world.read("pyproject.toml")
    world.write("pyproject.toml", '[dependency-groups]\nmine = ["gamma"]\n\n' + text)
    assert uv(["lock", "--quiet"], cwd=world.project).ok
    world.commit()
    registry.add("beta", "2.0", requires=["alpha"])
    publish(world, "0.3.0", ">=2")
    result = world.update("--json", code=0)
    assert "keeping your versions" in result.doc["lock"]["detail"]
    assert pins(world) == {"alpha": "1.0", "beta": "2.0", "gamma": "1.0"}
    assert "gamma==1.0" in world.read("requirements.lock")
    assert uv(["lock", "--check"], cwd=world.project).ok


def test_without_a_network_it_says_what_to_run(world, registry, monkeypatch):
    start(world)
    registry.add("beta", "2.0", requires=["alpha"])
    publish(world, "0.3.0", ">=2")
    monkeypatch.setenv("UV_CACHE_DIR", str(world.root / "empty"))
    result = world.update("--offline", "--json", code=0)
    assert not result.doc["lock"]["ok"]
    assert "run `uv lock`" in result.doc["lock"]["detail"]
    assert 'dependencies = ["beta>=2"]' in world.read("pyproject.toml")


def test_a_conflict_in_pyproject_leaves_the_lock_alone(world, registry):
    start(world)
    world.edit("pyproject.toml", '"beta>=1"', '"beta==1.0"')
    world.commit()
    before = world.read("uv.lock")
    registry.add("beta", "2.0", requires=["alpha"])
    publish(world, "0.3.0", ">=2")
    result = world.update("--json", code=1)
    assert [each["paths"] for each in result.doc["conflicts"]] == [["pyproject.toml"]]
    assert "has a conflict" in result.doc["lock"]["detail"]
    assert world.read("uv.lock") == before


def test_a_renamed_project_keeps_a_lock_that_fits(world):
    start(world)
    world.run("reconfigure", world.project, "--data=project_name=zebra", code=0)
    assert 'name = "zebra"' in world.read("uv.lock")
    assert uv(["lock", "--check"], cwd=world.project).ok
