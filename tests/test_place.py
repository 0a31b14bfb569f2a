"""All or nothing: where a project may go, and what a hindrance leaves behind (nothing)."""

import os
import subprocess

import pytest
from trees import SCAFFOLD, entries, scaffold, user_environment

from scaffold.errors import ScaffoldError
from scaffold.place import plan, remove_stale, staged, write_tree
from scaffold.tree import File, read_tree

TREE = {
    "README.md": File(b"read\n"),
    ".copier-answers.yml": File(b"a: b\n"),
    "src/pkg/run.sh": File(b"#!/bin/sh\n", executable=True),
}
NEW = ("new", "streaming-pipeline", "--defaults", "--no-lock", "--no-git")
HIDDEN = ".scaffold-0123456789abcdef"


def place(destination, meanwhile=lambda _: None):
    with staged(plan(destination)) as project:
        write_tree(TREE, project)
        meanwhile(project)


def test_a_project_appears_whole_with_modes_of_the_users_umask(tmp_path):
    before = os.umask(0o027)
    try:
        place(tmp_path / "project")
    finally:
        os.umask(before)

    assert read_tree(tmp_path / "project") == TREE
    assert entries(tmp_path) == ["project"]
    assert (tmp_path / "project/README.md").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "project/src/pkg/run.sh").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "project").stat().st_mode & 0o777 == 0o750


def test_nothing_is_there_until_all_is_there(tmp_path):
    with staged(plan(tmp_path / "a/b/project")) as project:
        write_tree(TREE, project)
        assert project.name == "project"
        assert not (tmp_path / "a").exists()

    assert read_tree(tmp_path / "a/b/project") == TREE


def test_an_error_on_the_way_leaves_nothing_not_even_parents(tmp_path):
    def interfere(project):
        (project / "src").chmod(0o500)  # as some tools leave their folders
        raise RuntimeError

    with pytest.raises(RuntimeError):
        place(tmp_path / "a/b/project", interfere)

    assert entries(tmp_path) == []


def test_an_empty_folder_is_filled_and_keeps_its_mode(tmp_path):
    (tmp_path / "project").mkdir(mode=0o700)

    place(tmp_path / "project")

    assert read_tree(tmp_path / "project") == TREE
    assert (tmp_path / "project").stat().st_mode & 0o777 == 0o700


def test_the_folder_one_stands_in_is_filled_and_stays_the_same_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inode = tmp_path.stat().st_ino

    with staged(plan(tmp_path)) as project:
        write_tree(TREE, project)

    assert tmp_path.stat().st_ino == inode
    assert read_tree(tmp_path) == TREE


def test_filling_the_folder_one_stands_in_is_undone_when_something_gets_in_the_way(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ScaffoldError, match="appeared"):
        place(tmp_path, lambda _: (tmp_path / "src").write_text("mine"))

    assert entries(tmp_path) == ["src"]
    assert (tmp_path / "src").read_text() == "mine"


def test_a_link_to_an_empty_folder_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    place(tmp_path / "link")

    assert read_tree(tmp_path / "real") == TREE
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize(
    ("make", "destination", "complaint"),
    [
        ("mkdir p; touch p/mine", "p", r"p exists and isn't empty. Try .*/p-2\."),
        ("mkdir p p-2; touch p/mine", "p", r"Try .*/p-3\."),
        ("touch p", "p", "p is a file. Try"),
        ("touch p", "p/inside", "p is a file, so nothing can be made inside"),
        ("ln -s nowhere p", "p", "p is a link to nowhere"),
        ("ln -s p p", "p", "p"),
        ("true", "n" * 300, "File name too long"),
        ("mkdir -p p/.git", "p", "isn't empty"),
    ],
)
def test_what_is_in_the_way_is_left_alone_and_named(tmp_path, make, destination, complaint):
    subprocess.run(make, shell=True, cwd=tmp_path, check=True)  # noqa: S602
    before = entries(tmp_path)

    with pytest.raises(ScaffoldError, match=complaint):
        place(tmp_path / destination)

    assert entries(tmp_path) == before


def test_a_destination_that_appears_meanwhile_is_left_alone(tmp_path):
    def interfere(_):
        (tmp_path / "project").mkdir()
        (tmp_path / "project/mine").write_text("mine")

    with pytest.raises(ScaffoldError, match="appeared while"):
        place(tmp_path / "project", interfere)

    assert read_tree(tmp_path) == {"project/mine": File(b"mine")}


def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path):
    with pytest.raises(ScaffoldError, match="appeared while"):
        place(tmp_path / "project", lambda _: (tmp_path / "project").write_text("mine"))

    assert (tmp_path / "project").read_text() == "mine"


def test_what_a_killed_run_left_is_removed_by_the_next_and_what_is_in_use_is_not(tmp_path):
    (tmp_path / HIDDEN / "project").mkdir(parents=True)
    (tmp_path / ".scaffold-notes").mkdir()

    with staged(plan(tmp_path / "one")) as first:
        with staged(plan(tmp_path / "two")) as second:
            write_tree(TREE, second)
        assert first.is_dir()
        write_tree(TREE, first)

    assert entries(tmp_path) == [".scaffold-notes", "one", "two"]


def test_a_stale_folder_inside_an_empty_destination_is_no_hindrance(tmp_path):
    (tmp_path / "project" / HIDDEN).mkdir(parents=True)

    place(tmp_path / "project")

    assert read_tree(tmp_path / "project") == TREE


def test_cleaning_where_nothing_may_be_read_is_no_error(tmp_path):
    remove_stale(tmp_path / "missing")


def test_a_file_size_limit_leaves_nothing(tmp_path):
    limited = f'ulimit -f 8; exec "{SCAFFOLD}" {" ".join(NEW)} project'
    done = subprocess.run(
        ["bash", "-c", limited],
        cwd=tmp_path,
        env=user_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("scaffold: the disk that holds ")
    assert "Traceback" not in done.stderr
    assert entries(tmp_path) == []


def mounted(options, command, cwd):
    """Run a command in a namespace of its own, with a small file system mounted at ./disk."""
    script = f"mount -t tmpfs -o {options} tmpfs disk && cd disk && {{ {command}; }}"
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=cwd,
        env=user_environment(cwd),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def namespaces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("namespaces")
    (folder / "disk").mkdir()
    if mounted("size=64k", "true", folder).returncode != 0:
        pytest.skip("this system lets nobody mount a file system of their own")


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("destination", ["project", "a/b/project", "."])
def test_a_full_disk_leaves_nothing_and_says_so(tmp_path, destination):
    (tmp_path / "disk").mkdir()
    new = f"{SCAFFOLD} {' '.join(NEW)} {destination} --data project_name=project"

    done = mounted("size=200k", f"{new}; echo code $?; ls -A", tmp_path)

    assert done.stdout.split("\n")[:2] == ["code 1", ""]
    assert "is full. Nothing was written" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("namespaces")
def test_a_read_only_disk_is_refused_at_once(tmp_path):
    (tmp_path / "disk").mkdir()

    done = mounted("ro", f"{SCAFFOLD} {' '.join(NEW)} project; echo code $?", tmp_path)

    assert done.stdout == "code 1\n"
    assert "can't be written. Choose a folder that is yours." in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("namespaces")
def test_a_mounted_empty_folder_is_filled(tmp_path):
    (tmp_path / "disk").mkdir()

    done = mounted("size=9m", f"cd ..; {SCAFFOLD} {' '.join(NEW)} disk; ls -A disk", tmp_path)

    assert {"README.md", ".copier-answers.yml", "pyproject.toml"} <= set(done.stdout.split())
    assert ".scaffold" not in done.stdout


def test_where_the_system_makes_no_folders_one_line_says_so(tmp_path):
    done = scaffold(*NEW, "/proc/project", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("scaffold: /proc")
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_that_may_not_be_written_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o555)
    powers = "-dac_override,-dac_read_search"  # with which root may write everywhere
    drop = ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"]

    done = subprocess.run(
        [*(drop if os.geteuid() == 0 else []), SCAFFOLD, *NEW, "theirs/project"],
        cwd=tmp_path,
        env=user_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "theirs can't be written" in done.stderr
    assert entries(tmp_path / "theirs") == []
