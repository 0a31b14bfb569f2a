"""The first commit, whatever the user's git is set up to do."""

import os
import stat
import subprocess

import pytest
from trees import user_environment, write_files

from scaffold.git import Author, commit_paths, enclosing_repository, init_and_commit

AUTHOR = Author("Ada Ōkina <x>", "ada@example.org")


def ask_git(folder, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, env=os.environ
    )
    return done.stdout.strip()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user with an empty home and nothing known to git."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in user_environment(home).items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def project(tmp_path, home):  # noqa: ARG001 - whose it is
    folder = tmp_path / "project"
    write_files(
        folder,
        {
            "README.md": "# It\r\n",
            ".gitignore": "build/\n",
            "uv.lock": "seed\n",
            "run.sh": ("#!/bin/sh\n", 0o755),
            "build/out": "made\n",
        },
    )
    return folder


def test_all_files_are_in_one_commit_on_main(project):
    result = init_and_commit(project, "Start", AUTHOR)
    assert result.commit == ask_git(project, "rev-parse", "main")
    assert ask_git(project, "log", "--format=%s") == "Start"
    listed = ask_git(project, "ls-tree", "-r", "--name-only", "HEAD").split()
    assert listed == [".gitignore", "README.md", "run.sh", "uv.lock"]
    assert ask_git(project, "status", "--porcelain") == ""


def test_the_author_signs_where_git_knows_nobody(project):
    result = init_and_commit(project, "Start", AUTHOR)
    assert (
        ask_git(project, "log", "--format=%an %ae %cn") == "Ada Ōkina x ada@example.org Ada Ōkina x"
    )
    assert "user.name" in result.note
    assert not (project / ".git" / "config").read_text().count("[user]")


@pytest.mark.parametrize("author", [None, Author('<>".,', "\n")])
def test_somebody_signs_even_without_a_usable_author(project, author):
    assert init_and_commit(project, "Start", author).commit


def test_the_user_signs_where_git_knows_him(project, home):
    (home / ".gitconfig").write_text("[user]\nname = Me\nemail = me@example.org\n")
    result = init_and_commit(project, "Start", AUTHOR)
    assert ask_git(project, "log", "--format=%an %ae") == "Me me@example.org"
    assert result.note == ""


def test_hooks_templates_signing_and_filters_of_the_user_are_left_aside(project, home, tmp_path):
    fail = ("#!/bin/sh\ntouch $HOME/ran\nexit 1\n", 0o755)
    write_files(tmp_path / "hooks", {"pre-commit": fail, "commit-msg": fail, "post-commit": fail})
    write_files(tmp_path / "template", {"hooks/pre-commit": fail, "info/exclude": "README.md\n"})
    write_files(home, {"ignored": "*.lock\n", "attributes": "* filter=broken\n"})
    (home / ".gitconfig").write_text(
        f"""
        [init]
        templateDir = {tmp_path}/template
        defaultBranch = elsewhere
        [core]
        hooksPath = {tmp_path}/hooks
        excludesFile = {home}/ignored
        attributesFile = {home}/attributes
        autocrlf = true
        safecrlf = true
        fsmonitor = touch {home}/ran
        editor = touch {home}/ran
        [commit]
        gpgSign = true
        [gpg]
        program = false
        [filter "broken"]
        clean = false
        required = true
        """
    )
    assert init_and_commit(project, "Start", AUTHOR).commit
    assert not (home / "ran").exists()
    assert "uv.lock" in ask_git(project, "ls-tree", "--name-only", "HEAD").split()
    blob = subprocess.run(
        ["git", "cat-file", "blob", "HEAD:README.md"], cwd=project, capture_output=True, check=True
    )
    assert blob.stdout == b"# It\r\n"
    assert not (project / ".git" / "hooks").exists()


def test_variables_that_name_another_repository_are_not_followed(project, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=other, check=True)
    before = sorted(other.rglob("*"))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.worktree")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(other))
    assert init_and_commit(project, "Start", AUTHOR).commit
    assert (project / ".git" / "HEAD").exists()
    assert sorted(other.rglob("*")) == before


def test_without_git_the_project_stays_and_is_told_so(project, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = init_and_commit(project, "Start", AUTHOR)
    assert result.commit is None
    assert "git is not installed" in result.note
    assert not (project / ".git").exists()


def test_a_broken_configuration_leaves_no_half_repository(project, home):
    (home / ".gitconfig").write_text("[user\nname = Me\n")
    result = init_and_commit(project, "Start", AUTHOR)
    assert result.commit is None
    assert "git init failed" in result.note
    assert not (project / ".git").exists()


def test_a_commit_that_fails_leaves_no_half_repository(project):
    locked = project / "secret"
    locked.write_text("x")
    locked.chmod(0)
    if os.access(locked, os.R_OK):  # root reads everything: let git fail by its index instead
        (project / "nested" / ".git").mkdir(parents=True)
        (project / "nested" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        (project / "nested" / ".git" / "objects").mkdir()
        (project / "nested" / ".git" / "refs").mkdir()
    result = init_and_commit(project, "Start", AUTHOR)
    locked.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert result.commit is None
    assert "git add failed" in result.note
    assert not (project / ".git").exists()


def test_inside_another_repository_nothing_is_nested(project, tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    result = init_and_commit(project, "Start", AUTHOR)
    assert result.commit is None
    assert str(tmp_path) in result.note
    assert not (project / ".git").exists()
    assert enclosing_repository(project) == tmp_path


@pytest.mark.parametrize("moved", [False, True])
def test_where_the_other_repository_ignores_it_the_project_gets_its_own(project, tmp_path, moved):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("/elsewhere\n" if moved else "/project\n")
    at = tmp_path / "elsewhere" if moved else None
    assert init_and_commit(project, "Start", AUTHOR, at=at).commit


def test_a_repository_that_is_there_is_left_as_it_is(project):
    init_and_commit(project, "Start", AUTHOR)
    again = init_and_commit(project, "Again", AUTHOR)
    assert again.commit is None
    assert ask_git(project, "log", "--format=%s") == "Start"


def test_later_changes_of_some_files_are_committed_alone(project):
    init_and_commit(project, "Start", AUTHOR)
    (project / "uv.lock").write_text("whole\n")
    (project / "README.md").write_text("# Mine\n")
    assert commit_paths(project, "Complete the lock", ["uv.lock"], AUTHOR).commit
    assert ask_git(project, "show", "--name-only", "--format=%s").split("\n\n")[1] == "uv.lock"
    assert ask_git(project, "status", "--porcelain") == "M README.md"
    assert commit_paths(project, "Nothing", ["uv.lock"], AUTHOR).commit is None
