"""Who asks for review gets it: what serves is on the branch, byte for byte, or does not serve."""

import subprocess

import pytest
from runs import make_run

from portfolio_project.provenance import (
    Gate,
    GateRefusedError,
    NotReviewedError,
    Registry,
    Reviewed,
    Threshold,
    hashing,
    with_review,
)

CODE = "src/sample/fit.py"
LOCK = "requirements.lock"
ANY = Gate(Threshold(metric="score", at_least=0.5))


def git(folder, *arguments):
    settings = ("user.name=someone", "user.email=someone@example.com", "commit.gpgsign=false")
    given = [part for one in settings for part in ("-c", one)]
    command = ["git", "-C", str(folder), *given, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def is_declared(_run, _read):
    return True


class Project:
    """A project in a folder of its own: its package is the one that trains."""

    def __init__(self, root):
        self.root = root
        self.registry = Registry(root / "var/registry")
        self.write(CODE, "RATE = 1\n")
        self.write(LOCK, "numpy==2\n")
        self.write(".gitignore", "var/\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def git(self, *arguments):
        return git(self.root, *arguments)

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "work")
        return self.git("rev-parse", "HEAD")

    def train(self, **changes):
        return self.registry.register(*make_run(self.root / "var/run", **changes))

    def origin(self, version):
        return self.registry.get(version).origin

    def review(self, version, branch="main", declared=is_declared):
        return Reviewed(branch, declared).commit_of(self.registry.get(version))

    def promote(self, version, branch="main", declared=is_declared):
        gate = with_review(ANY, Reviewed(branch, declared))
        return self.registry.promote(version, gate=gate).id


def package_at(folder, monkeypatch):
    monkeypatch.setattr(hashing, "PACKAGE", folder)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose branch main holds all of it."""
    found = Project(tmp_path / "project")
    package_at(found.root / "src/sample", monkeypatch)
    found.git("init", "--quiet", "--initial-branch", "main")
    found.commit()
    return found


def test_what_the_branch_holds_may_serve(project):
    version = project.train()
    head = project.git("rev-parse", "HEAD")
    assert project.origin(version).commits == (head,)
    assert str(project.origin(version)) == f"commit {head[:12]}"
    assert project.promote(version) == version
    assert project.review(version) == head


def change_code(project):
    project.write(CODE, "RATE = 2\n")


def add_code(project):
    project.write("src/sample/extra.py", "RATE = 2\n")


def add_code_that_git_ignores(project):
    project.write(".gitignore", "var/\nextra.py\n")
    project.commit()
    add_code(project)


def change_the_lock(project):
    project.write(LOCK, "numpy==3\n")


def stage_code(project):
    change_code(project)
    project.git("add", "--all")


def make_code_executable(project):
    (project.root / CODE).chmod(0o755)


CHANGES = [
    change_code,
    add_code,
    add_code_that_git_ignores,
    change_the_lock,
    stage_code,
    make_code_executable,
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_not_committed_does_not_serve_and_the_reason_is_kept(project, change):
    change(project)
    version = project.train()
    assert str(project.origin(version)) == "not committed"
    with pytest.raises(GateRefusedError, match="not committed"):
        project.promote(version)
    assert project.registry.current() is None
    assert "have them merged" in project.registry.history()[-1].reasons[0]


def test_files_that_make_no_model_may_be_changed(project):
    project.write("README.md", "words")
    project.write("src/sample/notes.txt", "words")
    assert project.promote(project.train())


def test_it_is_asked_only_where_it_was_wanted(project):
    change_code(project)
    version = project.train()
    assert project.registry.promote(version, gate=ANY).id == version


def test_the_quality_gate_is_asked_too(project):
    with pytest.raises(GateRefusedError, match="score"):
        project.promote(project.train(score=0.1))


def test_training_again_after_the_commit_makes_the_same_version_fit_to_serve(project):
    change_code(project)
    version = project.train()
    with pytest.raises(GateRefusedError):
        project.promote(version)
    head = project.commit()
    assert project.train() == version
    assert project.origin(version).commits == (head,)
    assert project.promote(version) == version


def test_a_commit_that_was_known_is_not_forgotten(project):
    version = project.train()
    commit = project.git("rev-parse", "HEAD")
    run = make_run(project.root / "var/run")
    change_code(project)
    assert project.registry.register(*run) == version  # its code is no longer what is there
    project.commit()
    project.registry.register(*run)
    assert project.origin(version).commits == (commit,)
    assert project.review(version) == commit  # which is not the branch's newest any more


def test_committed_is_not_reviewed(project):
    project.git("switch", "--quiet", "--create", "idea")
    change_code(project)
    head = project.commit()
    version = project.train()
    assert project.origin(version).commits == (head,)
    with pytest.raises(GateRefusedError, match="no known commit of main"):
        project.promote(version)
    assert project.review(version, "idea") == head


@pytest.mark.parametrize("strategy", ["--no-ff", "--squash"])
def test_once_merged_the_same_version_may_serve(project, strategy):
    project.git("switch", "--quiet", "--create", "idea")
    change_code(project)
    project.commit()
    version = project.train()
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--no-commit", strategy, "idea")
    project.commit()
    assert project.promote(version) == version


def test_a_record_that_was_forged_convinces_nobody(project):
    head = project.git("rev-parse", "HEAD")
    change_code(project)
    version = project.train()
    record = project.registry.root / "origins" / f"{version}.json"
    record.write_text(f'{{"known": true, "commits": ["{head}"]}}')
    with pytest.raises(NotReviewedError, match="no known commit"):
        project.review(version)
    for broken in ("", '{"known": true, "commits": ["main"]}'):
        record.write_text(broken)
        assert str(project.origin(version)) == "commit unknown"


def test_settings_that_were_given_by_hand_are_not_reviewed(project):
    def declared(run, read):
        return run.config["rounds"] == int(read("rounds.txt") or 0)

    project.write("src/sample/rounds.txt", "10")
    project.commit()
    project.write("src/sample/rounds.txt", "11")  # what counts is what was committed
    assert project.promote(project.train(), declared=declared)
    with pytest.raises(GateRefusedError, match="by hand"):
        project.promote(project.train(rounds=11), declared=declared)


@pytest.mark.parametrize("branch", ["origin/main", "--all", "", "main^{tree}", "no such"])
def test_a_branch_that_git_does_not_know_gets_a_line(project, branch):
    version = project.train()
    with pytest.raises(NotReviewedError, match=r"git knows no .* fetch it"):
        project.review(version, branch)


def test_links_are_followed_as_training_follows_them(project):
    project.write("shared/inner/rates.py", "RATE = 3\n")
    (project.root / "src/sample/linked").symlink_to("../../shared")
    (project.root / "src/sample/rates.py").symlink_to("../../shared/inner/rates.py")
    head = project.commit()
    version = project.train()
    assert project.review(version) == head
    project.write("shared/inner/rates.py", "RATE = 4\n")
    with pytest.raises(NotReviewedError, match="not committed"):
        project.review(project.train())


def test_links_in_a_circle_on_the_branch_stop_nobody(project):
    version = project.train()
    (project.root / "src/sample/round").symlink_to("../sample")
    project.commit()
    assert project.review(version) == project.git("rev-parse", "HEAD~")


def test_a_project_in_a_folder_of_a_repository_is_found(tmp_path, monkeypatch):
    found = Project(tmp_path / "repository/projects/mine")
    package_at(found.root / "src/sample", monkeypatch)
    git(tmp_path / "repository", "init", "--quiet", "--initial-branch", "main")
    head = found.commit()
    assert found.review(found.train()) == head


def test_a_shallow_clone_knows_its_newest_commit(project, tmp_path, monkeypatch):
    change_code(project)
    head = project.commit()
    address = project.root.as_uri()
    git(tmp_path, "clone", "--quiet", "--depth", "1", address, "clone")
    clone = Project(tmp_path / "clone")
    clone.git("checkout", "--", ".")
    package_at(clone.root / "src/sample", monkeypatch)
    assert clone.review(clone.train(), "origin/main") == head


def outside_a_repository(project, _monkeypatch):
    (project.root / ".git").rename(project.root / "elsewhere")


def without_git(project, monkeypatch):
    monkeypatch.setenv("PATH", str(project.root))


def installed_into_an_environment(project, monkeypatch):
    folder = project.root / "var/site-packages/sample"
    folder.mkdir(parents=True)
    (folder / "fit.py").write_text("RATE = 1\n")
    package_at(folder, monkeypatch)


@pytest.mark.parametrize("away", [outside_a_repository, without_git, installed_into_an_environment])
def test_where_git_cannot_be_asked_the_answer_is_unknown(project, monkeypatch, away):
    away(project, monkeypatch)
    version = project.train()
    assert str(project.origin(version)) == "commit unknown"
    assert project.registry.promote(version, gate=ANY).id == version  # nobody asked
    with pytest.raises(NotReviewedError, match="git knows no repository of this code"):
        project.review(version)


def test_a_repository_without_a_commit_has_committed_nothing(tmp_path, monkeypatch):
    found = Project(tmp_path / "new")
    package_at(found.root / "src/sample", monkeypatch)
    found.git("init", "--quiet", "--initial-branch", "main")
    assert str(found.origin(found.train())) == "not committed"


def test_a_hook_of_another_repository_does_not_lead_astray(project, tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    version = project.train()
    monkeypatch.delenv("GIT_DIR")
    assert project.origin(version).commits == (project.git("rev-parse", "HEAD"),)


def test_versions_stay_in_order_when_one_is_registered_again(project):
    change_code(project)
    first, second = project.train(), project.train(content="other")
    project.commit()
    assert project.train() == first
    assert [one.id for one in project.registry.versions()] == [first, second]
