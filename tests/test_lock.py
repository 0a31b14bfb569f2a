"""Locks: made by a maintainer, completed and checked on the user's machine, or left as they are."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from registry import serve

from scaffold import seed
from scaffold.lock import complete_lock
from scaffold.lockfiles import (
    EXPORT_ARGUMENTS,
    compare_hashes,
    is_seed,
    locked_pins,
    pinned_hashes,
    without_files,
)
from scaffold.uv_command import find_uv

PYPROJECT = """\
[project]
name = "portfolio-project"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["beta>=1"]

[dependency-groups]
dev = ["gamma"]
torch = ["torch==2.0", "epsilon"]

[tool.uv]
exclude-dependencies = ["torch"]
"""
LIVING = Path(__file__).parent.parent / "templates"


@pytest.fixture(autouse=True)
def plain_uv(tmp_path, monkeypatch):
    """No setting and no cache of the user's reaches uv."""
    for name in list(os.environ):
        if name.startswith("UV_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def registry(monkeypatch):
    with serve() as registry:
        registry.add("alpha", "1.0")
        registry.add("beta", "1.0", requires=["alpha"])
        registry.add("gamma", "1.0")
        registry.add("epsilon", "1.0")
        registry.add("torch", "2.0")
        monkeypatch.setenv("UV_DEFAULT_INDEX", registry.address)
        yield registry


@pytest.fixture
def template(tmp_path, registry):  # noqa: ARG001 - uv asks it
    folder = tmp_path / "template"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    assert seed.main([str(folder)]) == 0
    return folder


@pytest.fixture
def project(tmp_path, template, monkeypatch):
    """What a user has after generation: another name, the same two files, nothing cached."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another-cache"))
    folder = tmp_path / "my-pipeline"
    shutil.copytree(template, folder)
    (folder / "pyproject.toml").write_text(PYPROJECT.replace("portfolio-project", "my-pipeline"))
    return folder


def uv(folder, *arguments):
    return subprocess.run(
        [find_uv(), "--no-progress", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestSeed:
    def test_names_versions_only(self, template):
        text = (template / "uv.lock").read_text()
        assert {name for name, _ in locked_pins(text)} == {"alpha", "beta", "epsilon", "gamma"}
        assert is_seed(template / "uv.lock")
        assert not re.search(r"://|127\.0\.0\.1|localhost|hash|portfolio", text)

    def test_requirements_have_hashes_and_neither_addresses_nor_torch(self, template):
        text = (template / "requirements.lock").read_text()
        assert {name for name, _ in pinned_hashes(text)} == {"alpha", "beta", "epsilon", "gamma"}
        assert all(pinned_hashes(text).values())
        assert not re.search(r"://|127\.0\.0\.1|localhost|portfolio", text)

    def test_made_again_it_keeps_its_versions(self, template, registry):
        registry.add("alpha", "2.0")
        before = files_in(template)
        assert seed.main([str(template)]) == 0
        assert files_in(template) == before

    def test_upgrading_takes_the_newest(self, template, registry):
        registry.add("alpha", "2.0")
        assert seed.main([str(template), "--upgrade"]) == 0
        assert ("alpha", "2.0") in locked_pins((template / "uv.lock").read_text())
        assert seed.main([str(template), "--check"]) == 0

    @pytest.mark.parametrize(
        "drift",
        [
            ("pyproject.toml", '"beta>=1"', '"beta>=1", "alpha"', "dependencies in pyproject"),
            ("pyproject.toml", ">=3.11", ">=3.12", "dependencies in pyproject"),
            ("requirements.lock", "sha256:", "sha256:0", "requirements.lock is not the one"),
            ("uv.lock", 'name = "gamma"', 'name = "delta"', "gamma 1.0 is not in the seed"),
            ("uv.lock", "version = 1\n", "# https://a.b/\nversion = 1\n", "holds an address"),
        ],
    )
    def test_drift_is_seen_without_a_network(self, template, registry, capsys, drift):
        file, old, new, says = drift
        path = template / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        asked = registry.asked
        assert seed.main([str(template), "--check"]) == 1
        assert registry.asked == asked
        assert says in capsys.readouterr().err

    def test_a_whole_lock_is_no_seed(self, project, capsys):
        assert complete_lock(project).status == "completed"
        assert seed.main([str(project), "--check"]) == 1
        assert "not a seed" in capsys.readouterr().err

    def test_what_no_registry_has_is_one_clear_error(self, template, capsys):
        path = template / "pyproject.toml"
        path.write_text(path.read_text().replace("beta>=1", "beta>=7"))
        before = files_in(template)
        assert seed.main([str(template)]) == 2
        assert "beta" in capsys.readouterr().err
        assert files_in(template) == before


class TestComplete:
    def test_fills_in_the_seed_with_its_versions_and_hashes(self, project, registry):
        registry.add("alpha", "3.0")
        result = complete_lock(project)
        assert result.status == "completed", result
        lock = (project / "uv.lock").read_text()
        assert ("alpha", "1.0") in locked_pins(lock)
        assert uv(project, "lock", "--check").returncode == 0
        exported = uv(project, *EXPORT_ARGUMENTS).stdout
        assert exported == (project / "requirements.lock").read_text()
        assert sorted(files_in(project)) == ["pyproject.toml", "requirements.lock", "uv.lock"]

    def test_then_uv_sync_locked_works(self, project):
        assert complete_lock(project).ok
        done = uv(project, "sync", "--locked", "--no-install-project", "--python", sys.executable)
        assert done.returncode == 0, done.stderr
        shown = [project / ".venv/bin/python", "-c", "import alpha; print(alpha.VERSION)"]
        assert subprocess.check_output(shown, text=True) == "1.0\n"

    def test_a_tampered_hash_is_a_mismatch_and_the_seed_stands(self, project):
        path = project / "requirements.lock"
        path.write_text(re.sub(r"sha256:\w{4}", "sha256:0000", path.read_text(), count=1))
        before = files_in(project)
        result = complete_lock(project)
        assert result.status == "mismatch"
        assert result.differences == ("alpha 1.0: the registry lacks 1 vetted hash",)
        assert "alpha 1.0" in result.detail
        assert files_in(project) == before

    def test_another_file_under_a_known_version_is_a_mismatch(self, project, registry):
        registry.files["gamma"].clear()
        registry.add("gamma", "1.0", content="import os\n")
        before = files_in(project)
        assert complete_lock(project).status == "mismatch"
        assert files_in(project) == before

    def test_a_version_that_is_gone_is_a_mismatch(self, project, registry):
        registry.files["alpha"].clear()
        registry.add("alpha", "2.0")
        before = files_in(project)
        result = complete_lock(project)
        assert result.status == "mismatch"
        assert "alpha 1.0 was not kept" in result.differences
        assert files_in(project) == before

    def test_files_that_the_registry_gained_since_are_left_out(self, project, registry):
        registry.add("alpha", "1.0", tag="cp311-none-any", content="# later\n")
        result = complete_lock(project)
        assert result.status == "completed", result
        assert "cp311" not in (project / "uv.lock").read_text()
        assert uv(project, "lock", "--check").returncode == 0

    def test_settings_that_would_change_the_outcome_are_left_aside(self, project, monkeypatch):
        monkeypatch.setenv("UV_FROZEN", "1")
        monkeypatch.setenv("UV_RESOLUTION", "lowest")
        monkeypatch.setenv("UV_EXCLUDE_NEWER", "2001-01-01")
        monkeypatch.setenv("UV_PROJECT", "elsewhere")
        monkeypatch.setenv("VIRTUAL_ENV", "elsewhere")
        assert complete_lock(project).status == "completed"

    def test_what_is_whole_is_left_alone(self, project, registry):
        complete_lock(project)
        before, asked = files_in(project), registry.asked
        assert complete_lock(project).status == "unneeded"
        assert (files_in(project), registry.asked) == (before, asked)

    def test_without_a_lock_there_is_nothing_to_do(self, tmp_path):
        assert complete_lock(tmp_path).status == "unneeded"


class TestWithoutNetwork:
    @pytest.mark.parametrize("how", ["asked", "told", "refused", "unresolved"])
    def test_the_seed_stands_and_the_user_is_told(self, project, monkeypatch, how):
        if how == "told":
            monkeypatch.setenv("UV_OFFLINE", "1")
        addresses = {
            "refused": "http://127.0.0.1:1/simple",
            "unresolved": "http://no.invalid/simple",
        }
        if how in addresses:
            monkeypatch.setenv("UV_DEFAULT_INDEX", addresses[how])
        before = files_in(project)
        result = complete_lock(project, offline=how == "asked")
        assert result.status == "offline", result
        assert not result.ok
        assert "uv lock" in result.detail
        assert files_in(project) == before

    def test_what_is_cached_needs_no_network(self, template):
        assert complete_lock(template, offline=True).status == "completed"

    def test_uv_lock_completes_it_later(self, project):
        assert complete_lock(project, offline=True).status == "offline"
        assert uv(project, "lock").returncode == 0
        exported = uv(project, *EXPORT_ARGUMENTS).stdout
        assert exported == (project / "requirements.lock").read_text()

    def test_a_registry_that_never_answers_is_given_up_soon(self, project, monkeypatch):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
            monkeypatch.setenv("UV_DEFAULT_INDEX", address)
            started = time.monotonic()
            result = complete_lock(project)
            assert result.status == "offline"
            assert time.monotonic() - started < 30
            assert is_seed(project / "uv.lock")

    def test_a_time_limit_holds(self, project, monkeypatch):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
            monkeypatch.setenv("UV_DEFAULT_INDEX", address)
            result = complete_lock(project, timeout=0.5)
        assert result.status == "offline"
        assert is_seed(project / "uv.lock")

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
    def test_stopped_in_the_middle_the_seed_stands(self, project, monkeypatch, tmp_path, number):
        before = files_in(project)
        program = (
            "import sys; from pathlib import Path; from scaffold import cli, lock\n"
            "cli._raise_on_signals(); lock.complete_lock(Path(sys.argv[1]))"
        )
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
            monkeypatch.setenv("UV_DEFAULT_INDEX", address)
            monkeypatch.setenv("TMPDIR", str(tmp_path))
            started = subprocess.Popen(
                [sys.executable, "-c", program, str(project)], stderr=subprocess.DEVNULL
            )
            silent.settimeout(60)
            silent.accept()[0].close()  # uv is asking: now is the middle
            started.send_signal(number)
            assert started.wait(timeout=30) != 0
        assert files_in(project) == before
        if number != signal.SIGKILL:
            assert not list(tmp_path.glob("scaffold-lock-*"))


def test_without_uv_the_seed_stands(project, monkeypatch):
    monkeypatch.setattr("scaffold.uv_command.find_uv", lambda: None)
    result = complete_lock(project)
    assert result.status == "failed"
    assert "uv was not found" in result.detail
    assert is_seed(project / "uv.lock")


@pytest.mark.parametrize(
    ("name", "text"),
    [("pyproject.toml", "[project\n"), ("uv.lock", 'source = { registry = "." }\n[x\n')],
)
def test_files_that_cannot_be_read_are_one_line(project, name, text):
    (project / name).write_text(text)
    result = complete_lock(project)
    assert result.status == "failed"
    assert "\n" not in result.detail


def test_a_folder_that_cannot_be_written_is_said(project, monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scaffold.lock.tempfile.mkstemp", full)
    before = files_in(project)
    result = complete_lock(project)
    assert (result.status, "No space left" in result.detail) == ("failed", True)
    assert files_in(project) == before


def test_hashes_are_compared_package_by_package():
    old = "a==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:ab\nb==1 ; x \\\n    --hash=sha256:bb\n"
    new = "a==1 \\\n    --hash=sha256:ab \\\n    --hash=sha256:ac\nc==1 \\\n    --hash=sha256:cc\n"
    compared = compare_hashes(old, new)
    assert compared.changed == (
        "b 1 is not in the completed lock",
        "c 1 is not in requirements.lock",
        "a 1: the registry lacks 1 vetted hash",
    )
    assert compared.added == {"sha256:ac"}
    assert compare_hashes(old, old).same


def test_leaving_files_out_of_a_lock_leaves_the_rest():
    lock = '[[package]]\nwheels = [\n    { hash = "sha256:aa" },\n    { hash = "sha256:bb" },\n]\n'
    assert tomllib.loads(without_files(lock, frozenset({"sha256:aa"}))) == {
        "package": [{"wheels": [{"hash": "sha256:bb"}]}]
    }


@pytest.mark.network
@pytest.mark.parametrize("name", [path.parent.name for path in LIVING.glob("*/template.toml")])
def test_each_template_s_lock_completes_from_the_registry(name, tmp_path, monkeypatch):
    monkeypatch.delenv("UV_NO_CONFIG")
    project = tmp_path / "my-project"
    project.mkdir()
    for file in ("pyproject.toml", "uv.lock", "requirements.lock"):
        text = (LIVING / name / file).read_text().replace("portfolio-project", "my-project")
        (project / file).write_text(text)
    before = locked_pins((project / "uv.lock").read_text())
    result = complete_lock(project)
    assert result.status == "completed", result
    assert locked_pins((project / "uv.lock").read_text()) == before
    assert uv(project, "lock", "--check").returncode == 0


@pytest.mark.parametrize("name", [path.parent.name for path in LIVING.glob("*/template.toml")])
def test_each_template_s_lock_files_are_in_step(name):
    assert seed.drift(LIVING / name) == []
