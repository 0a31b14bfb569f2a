"""`scaffold doctor`: what it finds, what it says to do, and that nothing goes out unasked."""

import os
import socket
from pathlib import Path

import pytest
from registry import serve
from trees import document, entries, installed_copy, scaffold, write_files

from scaffold.doctor import CHECKS, Machine, examine
from scaffold.doctor.place import DiskSpace, Writable
from scaffold.doctor.programs import Browser, Docker, Git, Make
from scaffold.doctor.supplies import Registry

PROGRAMS = {
    "git": "git version 2.39.5",
    "make": "GNU Make 4.3",
    "docker": "28.1.0",
    "chromium": "Chromium 140",
}


@pytest.fixture
def machine(tmp_path):
    """A machine with programs that only tell their version."""
    says = {
        f"bin/{name}": (f"#!/bin/sh\necho '{text}'\n", 0o755) for name, text in PROGRAMS.items()
    }
    write_files(tmp_path, says)
    folder = tmp_path / "work"
    folder.mkdir()
    return Machine(folder, str(tmp_path / "bin"))


def test_this_machine_is_well_and_left_as_it_was(tmp_path):
    done = scaffold("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("\nthis machine has what is needed\n")
    assert entries(tmp_path) == []


def test_the_document_tells_all(tmp_path):
    told = document(scaffold("doctor", "--json", cwd=tmp_path))
    assert told["ok"]
    found = {check["id"]: check for check in told["checks"]}
    assert len(found) == len(CHECKS)
    assert found["git"]["required"]
    assert found["git-identity"]["advice"].startswith("`git config")  # the home is empty
    assert not found["git-identity"]["ok"]


def test_what_is_missing_is_named_with_what_to_do(tmp_path):
    (tmp_path / "nothing").mkdir()
    done = scaffold("doctor", cwd=tmp_path, PATH=str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "FAIL git is 2.39 or newer" in done.stdout
    assert "     Install git from your system's packages.\n" in done.stdout
    assert done.stdout.endswith("missing: git, make\n")
    assert done.stderr == ""


def test_every_failure_says_what_to_do(machine):
    nowhere = Machine(machine.folder, "")
    results = list(examine(nowhere, CHECKS))
    assert all(result.finding.advice for result in results if not result.finding.ok)
    assert len({result.id for result in results}) == len(CHECKS)


@pytest.mark.parametrize("check", [Git, Make, Docker, Browser])
def test_programs_are_found_with_their_version(machine, check):
    assert check.check(machine).ok
    assert not check.check(Machine(machine.folder, "/nowhere")).ok or check is Browser


@pytest.mark.parametrize(
    ("said", "ok"),
    [
        ("git version 2.38.9", False),
        ("git version 2.39.0", True),
        ("git version 2.50.1 (Apple Git-155)", True),
        ("git version 10.0", True),
        ("nonsense", False),
    ],
)
def test_an_old_git_is_not_enough(machine, said, ok):
    program = Path(machine.path) / "git"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    assert Git.check(machine).ok is ok


@pytest.mark.parametrize("body", ["exit 1", "kill -9 $$"])
def test_a_program_that_fails_is_no_program(machine, body):
    (Path(machine.path) / "git").write_text(f"#!/bin/sh\n{body}\n")
    assert not Git.check(machine).ok


def test_a_folder_that_refuses_is_said(machine):
    gone = Machine(machine.folder / "gone", machine.path)
    assert not Writable.check(gone).ok


def test_a_full_disk_is_said(machine, monkeypatch):
    usage = type("Usage", (), {"free": 10 * 1024**2})
    monkeypatch.setattr("scaffold.doctor.place.shutil.disk_usage", lambda _: usage)
    found = DiskSpace.check(machine)
    assert (found.ok, found.found) == (False, "0.0 GiB free")


def test_a_damaged_template_is_found(tmp_path):
    package = installed_copy(tmp_path / "site")
    well = document(scaffold("doctor", "--json", cwd=tmp_path, PYTHONPATH=package))
    assert well["ok"], well
    archive = next((tmp_path / "site/scaffold/_compiled").glob("*.zip"))
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    ill = document(scaffold("doctor", "--json", cwd=tmp_path, PYTHONPATH=package))
    damaged = next(check for check in ill["checks"] if check["id"] == "templates")
    assert (ill["ok"], damaged["ok"], damaged["advice"]) == (
        False,
        False,
        "Install scaffold again.",
    )


class TestNetwork:
    @pytest.fixture(autouse=True)
    def plain_uv(self, monkeypatch):
        for name in list(os.environ):
            if name.startswith("UV_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("UV_NO_CONFIG", "1")

    def test_the_registry_is_asked_only_on_request(self, tmp_path):
        with serve() as registry:
            registry.add("uv", "1.0")
            settings = {"UV_DEFAULT_INDEX": registry.address, "UV_NO_CONFIG": "1"}
            scaffold("doctor", cwd=tmp_path, **settings)
            assert registry.asked == 0
            told = document(scaffold("doctor", "--network", "--json", cwd=tmp_path, **settings))
            assert registry.asked > 0
        assert (told["checks"][-1]["id"], told["checks"][-1]["ok"]) == ("registry", True)

    def test_no_answer_is_said(self, machine, monkeypatch):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            address = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        monkeypatch.setenv("UV_DEFAULT_INDEX", address)
        found = Registry.check(machine)
        assert (found.ok, found.found) == (False, "no answer")
