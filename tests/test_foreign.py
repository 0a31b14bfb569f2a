"""`scaffold new` with other people's templates, real ones of both engines."""

import json
import os
import signal
import subprocess
import sys

import pexpect
import pytest
from living import alive, read_pids, wait_until
from trees import SCAFFOLD, document, entries, scaffold, user_environment, write_files

from scaffold.foreign.fetch import is_foreign

COPIER = {
    "copier.yml": "name:\n  type: str\n  help: Whose?\n  default: bob\ncount:\n  type: int\n  default: 1\n",
    "hello.txt.jinja": "Hello {{ name }}, {{ count + 1 }}\n",
    "plain.bin": b"\x00\xff{{ name }}",
    "run.sh": ("#!/bin/sh\n", 0o755),
    "{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers|to_nice_yaml }}",
}
COOKIECUTTER = {
    "cookiecutter.json": '{"slug": "thing", "name": "bob"}',
    "{{cookiecutter.slug}}/hello.txt": "Hello {{ cookiecutter.name }}\n",
    "{{cookiecutter.slug}}/where.txt": "{{ cookiecutter._output_dir }} {{ cookiecutter._repo_dir }}\n",
    "{{cookiecutter.slug}}/run.sh": ("#!/bin/sh\n", 0o755),
}
FOLDER = "{{cookiecutter.slug}}"


@pytest.fixture
def user(tmp_path):
    """The folder that a user works in, which is also his home."""
    folder = tmp_path / "user"
    folder.mkdir()
    return folder


@pytest.fixture
def make(tmp_path):
    """Write a template below `template`; returns its folder."""

    def make(files, **more):
        folder = tmp_path / "template"
        write_files(folder, {**files, **more})
        return folder

    return make


def git(folder, *arguments):
    identity = [
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@b.example",
        "-c",
        "core.hooksPath=/dev/null",
    ]
    return subprocess.check_output(["git", *identity, *arguments], cwd=folder, text=True).strip()


def commit(folder, tag=None):
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "All")
    if tag:
        git(folder, "tag", tag)


def nothing_was_left(user, tmp_path):
    return not [name for name in entries(user) if not name.startswith(".co")] and not list(
        tmp_path.glob("scaffold-foreign-*")
    )


class TestCopier:
    def test_a_folder_makes_a_project_with_a_first_commit(self, make, user):
        done = scaffold("new", make(COPIER), "it", "--data", "count=4", cwd=user)
        assert (done.returncode, done.stdout) == (0, "it is ready.\n"), done.stderr
        assert (user / "it/hello.txt").read_text() == "Hello bob, 5\n"
        assert (user / "it/plain.bin").read_bytes() == b"\x00\xff{{ name }}"
        assert os.access(user / "it/run.sh", os.X_OK)
        assert git(user / "it", "log", "--format=%s").startswith("Start from ")
        assert git(user / "it", "status", "--porcelain") == ""

    def test_the_answers_name_the_source_and_its_release(self, make, user):
        folder = make(COPIER)
        commit(folder, "v1.0.0")
        (folder / "hello.txt.jinja").write_text("not released\n")
        commit(folder)
        address = f"file://{folder}"
        assert scaffold("new", address, "it", cwd=user).returncode == 0
        answers = (user / "it/.copier-answers.yml").read_text()
        assert f"_src_path: {address}\n" in answers
        assert "_commit: v1.0.0\n" in answers
        assert (user / "it/hello.txt").read_text() == "Hello bob, 2\n"

    def test_the_newest_release_is_newest_by_number(self, make, user):
        folder = make(COPIER)
        for release in ("v1.9", "v1.10", "v2.0rc1"):
            (folder / "hello.txt.jinja").write_text(f"{release}\n")
            commit(folder, release)
        assert scaffold("new", folder, "it", cwd=user).returncode == 0
        assert (user / "it/hello.txt").read_text() == "v1.10\n"

    @pytest.mark.parametrize("ref", ["main", "v1", "branch"])
    def test_another_state_can_be_named(self, make, user, ref):
        folder = make(COPIER)
        commit(folder, "v1")
        git(folder, "checkout", "-qb", "branch")
        (folder / "hello.txt.jinja").write_text("branch\n")
        commit(folder)
        git(folder, "checkout", "-q", "main")
        assert scaffold("new", f"file://{folder}", "it", "--ref", ref, cwd=user).returncode == 0
        expected = "branch\n" if ref == "branch" else "Hello bob, 2\n"
        assert (user / "it/hello.txt").read_text() == expected

    def test_what_the_template_was_told_of_folders_is_where_they_are(self, make, user):
        folder = make(COPIER, **{"at.txt.jinja": "{{ _copier_conf.dst_path }}\n"})
        assert scaffold("new", folder, "a/it", cwd=user).returncode == 0
        assert (user / "a/it/at.txt").read_text() == f"{user}/a/it\n"

    def test_answers_come_from_a_file_with_their_types(self, make, user):
        (user / "answers.yml").write_text("name: Ann\ncount: 41\n")
        done = scaffold("new", make(COPIER), "it", "--answers", "answers.yml", cwd=user)
        assert done.returncode == 0, done.stderr
        assert (user / "it/hello.txt").read_text() == "Hello Ann, 42\n"

    def test_a_dry_run_lists_and_writes_nothing(self, make, user):
        told = document(scaffold("new", make(COPIER), "it", "--dry-run", "--json", cwd=user))
        assert told["files"] == [".copier-answers.yml", "hello.txt", "plain.bin", "run.sh"]
        assert (told["engine"], entries(user)) == ("copier", [])

    def test_without_git_when_asked(self, make, user):
        told = document(scaffold("new", make(COPIER), "it", "--no-git", "--json", cwd=user))
        assert (told["git"], (user / "it/.git").exists()) == (None, False)

    def test_variables_of_another_repository_do_not_reach_it(self, make, user, tmp_path):
        folder = make(COPIER)
        commit(folder, "v1")
        (tmp_path / "other").mkdir()
        git(tmp_path / "other", "init", "-q")
        redirected = {"GIT_DIR": str(tmp_path / "other/.git"), "GIT_WORK_TREE": str(tmp_path)}
        assert scaffold("new", folder, "it", cwd=user, **redirected).returncode == 0
        assert (user / "it/.git/HEAD").exists()


class TestCookiecutter:
    def test_the_template_names_the_folder(self, make, user):
        done = scaffold("new", make(COOKIECUTTER), "--data", "slug=gadget", cwd=user)
        assert (done.returncode, done.stdout) == (0, "gadget is ready.\n"), done.stderr
        assert (user / "gadget/hello.txt").read_text() == "Hello bob\n"
        assert os.access(user / "gadget/run.sh", os.X_OK)
        assert git(user / "gadget", "status", "--porcelain") == ""

    def test_or_the_user_does(self, make, user):
        assert scaffold("new", make(COOKIECUTTER), "mine", cwd=user).returncode == 0
        assert entries(user) == ["mine"]

    def test_folders_are_named_as_they_are(self, make, user):
        folder = make(COOKIECUTTER)
        assert scaffold("new", folder, cwd=user).returncode == 0
        assert (user / "thing/where.txt").read_text() == f"{user} {folder}\n"

    def test_the_user_s_defaults_count_and_his_home_is_not_written(self, make, user):
        (user / ".cookiecutterrc").write_text("default_context:\n  name: Ann\n")
        assert scaffold("new", make(COOKIECUTTER), cwd=user).returncode == 0
        assert (user / "thing/hello.txt").read_text() == "Hello Ann\n"
        assert entries(user) == [".cookiecutterrc", "thing"]


TRUSTED = [
    pytest.param(
        COPIER, {"copier.yml": "_tasks:\n- touch $HOME/ran\n"}, "task `touch $HOME/ran`", id="task"
    ),
    pytest.param(
        COPIER,
        {"copier.yml": "_tasks:\n- [touch, /tmp/a b]\n- command: ls\n  when: false\n"},
        "task `touch /tmp/a b`; task `ls`",
        id="task-forms",
    ),
    pytest.param(
        COPIER,
        {"copier.yml": "!include more.yml\n", "more.yml": "_tasks: [touch x]\n"},
        "task `touch x`",
        id="included-task",
    ),
    pytest.param(
        COPIER,
        {"copier.yml": "a: 1\n---\n_tasks: [touch x]\n---\nb: 2\n"},
        "task `touch x`",
        id="task-in-a-second-document",
    ),
    pytest.param(
        COPIER,
        {"copier.yml": "_jinja_extensions: [mine.Ext]\n"},
        "Jinja extension mine.Ext",
        id="extension",
    ),
    pytest.param(
        COPIER,
        {"copier.yml": "_migrations:\n- version: v1\n  before: [ls]\n  after: [[rm, x]]\n- echo\n"},
        "migration `ls`; migration `rm x`; migration `echo`",
        id="migration",
    ),
    pytest.param(
        COOKIECUTTER,
        {"hooks/post_gen_project.py": "open('ran', 'w')\n"},
        "hook hooks/post_gen_project.py",
        id="hook",
    ),
    pytest.param(
        COOKIECUTTER,
        {"hooks/pre_prompt.sh": ("touch $HOME/ran\n", 0o755)},
        "hook hooks/pre_prompt.sh",
        id="pre-prompt",
    ),
    pytest.param(
        COOKIECUTTER,
        {"cookiecutter.json": '{"slug": "thing", "name": "bob", "_extensions": ["mine.Ext"]}'},
        "Jinja extension mine.Ext",
        id="cookiecutter-extension",
    ),
    pytest.param(
        COOKIECUTTER,
        {
            "cookiecutter.json": '{"templates": {"a": {"path": "./a", "title": "A"}}}',
            "a/cookiecutter.json": '{"slug": "thing"}',
            "a/hooks/pre_gen_project.py": "open('ran', 'w')\n",
        },
        "hook a/hooks/pre_gen_project.py",
        id="nested-hook",
    ),
]


class TestTrust:
    @pytest.mark.parametrize(("base", "more", "listed"), TRUSTED)
    @pytest.mark.parametrize("committed", [False, True])
    def test_code_is_listed_and_refused(self, make, user, tmp_path, base, more, listed, committed):  # noqa: PLR0917
        folder = make(base, **more)
        if committed:
            commit(folder)
        done = scaffold("new", folder, "it", cwd=user, TMPDIR=str(tmp_path))
        assert (done.returncode, done.stdout) == (2, "")
        said = f"wants to run code: {listed}. If you trust its author, add --trust."
        assert done.stderr == f"scaffold: {folder} {said}\n"
        assert nothing_was_left(user, tmp_path)

    def test_with_trust_tasks_run(self, make, user):
        folder = make(
            COPIER, **{"copier.yml": "name: bob\ncount: 1\n_tasks:\n- echo done > task.txt\n"}
        )
        done = scaffold("new", folder, "it", "--trust", cwd=user)
        assert done.returncode == 0, done.stderr
        assert (user / "it/task.txt").read_text() == "done\n"

    def test_with_trust_hooks_run(self, make, user):
        hook = {
            "hooks/post_gen_project.py": "open('hook.txt', 'w').write('{{ cookiecutter.name }}')"
        }
        done = scaffold("new", make(COOKIECUTTER, **hook), "--trust", cwd=user)
        assert done.returncode == 0, done.stderr
        assert (user / "thing/hook.txt").read_text() == "bob"

    def test_an_environment_made_by_a_task_works_where_it_ends_up(self, make, user):
        task = (
            f"_tasks:\n- {sys.executable} -m venv --without-pip .venv\n- echo .venv > .gitignore\n"
        )
        folder = make(COPIER, **{"copier.yml": f"name: bob\ncount: 1\n{task}"})
        assert scaffold("new", folder, "it", "--trust", cwd=user).returncode == 0
        shown = subprocess.check_output(
            ["sh", "-c", ". it/.venv/bin/activate && python -c 'import sys; print(sys.prefix)'"],
            cwd=user,
            text=True,
        )
        assert shown == f"{user}/it/.venv\n"

    @pytest.mark.parametrize(
        "expression",
        [
            "{{ cycler.__init__.__globals__.os.popen('touch ran').read() }}",
            "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        ],
    )
    @pytest.mark.parametrize("place", ["content", "name", "question"])
    def test_an_expression_cannot_reach_python(self, make, user, expression, place):
        files = dict(COOKIECUTTER)
        if place == "content":
            files[f"{FOLDER}/evil.txt"] = expression
        elif place == "name":
            files[f"{FOLDER}/{expression.replace('/', '')}.txt"] = ""
        else:
            files["cookiecutter.json"] = json.dumps({"slug": "thing", "name": expression})
        done = scaffold("new", make(files), cwd=user)
        assert done.returncode == 2
        assert "unsafe" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert entries(user) == []

    @pytest.mark.parametrize("base", [COPIER, COOKIECUTTER])
    def test_a_link_out_of_the_template_is_refused(self, make, user, tmp_path, base):
        (tmp_path / "secret").write_text("secret")
        inside = FOLDER + "/" if base is COOKIECUTTER else ""
        done = scaffold("new", make(base, **{f"{inside}link": tmp_path / "secret"}), "it", cwd=user)
        assert done.returncode == 2
        assert f"link {inside}link to {tmp_path}/secret, outside the template" in done.stderr
        assert entries(user) == []

    def test_what_is_used_is_what_was_looked_at(self, make, user, tmp_path):
        # The address changes its content after it has been fetched: the clone counts.
        folder = make(COPIER)
        commit(folder)
        evil = "printf '_tasks: [touch ran]\\n' >> copier.yml; git commit -qam evil"
        wrapper = tmp_path / "bin" / "git"
        real = subprocess.check_output(["sh", "-c", "command -v git"], text=True).strip()
        config = "-c user.name=A -c user.email=a@b.example"
        script = (
            f'#!/bin/sh\n{real} "$@"; code=$?\ncase "$*" in *"file://"*) cd {folder} && '
            f"{{ {evil.replace('git ', f'{real} {config} ')}; }} >/dev/null 2>&1 ;; esac\nexit $code\n"
        )
        write_files(tmp_path, {"bin/git": (script, 0o755)})
        path = f"{wrapper.parent}:{os.environ['PATH']}"
        done = scaffold("new", f"file://{folder}", "it", cwd=user, PATH=path)
        assert git(folder, "log", "-1", "--format=%s") == "evil"
        assert done.returncode == 0, done.stderr
        assert not (user / "it/ran").exists()


@pytest.mark.parametrize(
    ("base", "more", "arguments", "says"),
    [
        (COPIER, {"copier.yml": "a: [1\n"}, [], "copier.yml, line 2 is no good YAML"),
        (COPIER, {"copier.yml": "just text\n"}, [], "copier.yml is no list of questions"),
        (COPIER, {"copier.yml": "a: !mystery 1\n"}, [], "copier.yml, line 1 is no good YAML"),
        (COPIER, {"copier.yml": "name:\n  type: str\n"}, [], 'Question "name" is required'),
        (COPIER, {"hello.txt.jinja": "{{ name"}, [], "hello.txt.jinja, line 1"),
        (COPIER, {"hello.txt.jinja": "{{ nobody.x }}"}, [], "uses what it never asks for"),
        (COPIER, {}, ["--data", "nmae=x"], "doesn't ask `nmae`. Did you mean `name`?"),
        (COPIER, {}, ["--data", "count=many"], "count"),
        (COPIER, {"copier.yml": "_min_copier_version: '999'\n"}, [], "999"),
        (COOKIECUTTER, {"cookiecutter.json": "{"}, [], "cookiecutter.json, line 1 is no good JSON"),
        (
            COOKIECUTTER,
            {"cookiecutter.json": "[]"},
            [],
            "cookiecutter.json is no list of questions",
        ),
        (COOKIECUTTER, {f"{FOLDER}/a": "{{ cookiecutter.nobody }}"}, [], "nobody"),
        (COOKIECUTTER, {f"{FOLDER}/a": "{% if %}"}, [], "line 1"),
        (COOKIECUTTER, {}, ["--data", "nmae=x"], "Did you mean `name`?"),
        ({"README": "x"}, {}, [], "it has neither copier.yml nor cookiecutter.json"),
        ({"README": "x"}, {"a/copier.yml": ""}, [], "There are templates in a: clone it"),
    ],
)
def test_a_bad_template_or_answer_is_one_line(make, user, tmp_path, base, more, arguments, says):  # noqa: PLR0917
    folder = make(base, **more)
    done = scaffold("new", folder, "it", *arguments, cwd=user, TMPDIR=str(tmp_path))
    assert done.returncode in {1, 2}
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert says in done.stderr
    assert "defect" not in done.stderr
    assert nothing_was_left(user, tmp_path)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("./missing", "the template ./missing is not there"),
        ("./file", "the template ./file is a file"),
        ("file:///no/such/repository", "can't be fetched"),
        ("git+file:///no/such/repository", "can't be fetched"),
        ("./empty", "neither copier.yml nor cookiecutter.json"),
    ],
)
def test_a_source_that_is_none_is_one_line(user, spec, says):
    (user / "file").touch()
    (user / "empty").mkdir()
    done = scaffold("new", spec, "it", cwd=user)
    assert done.returncode in {1, 2}
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr
    assert entries(user) == ["empty", "file"]


def test_a_state_that_is_not_there_is_one_line(make, user):
    folder = make(COPIER)
    commit(folder)
    done = scaffold("new", folder, "it", "--ref", "v9", cwd=user)
    assert (done.returncode, "has no branch, tag or commit v9" in done.stderr) == (2, True)


def test_copier_needs_a_folder_to_be_named(make, user):
    done = scaffold("new", make(COPIER), cwd=user)
    assert (done.returncode, "DEST" in done.stderr) == (2, True)


def test_a_destination_that_is_not_empty_is_left_as_it_is(make, user):
    (user / "it").mkdir()
    (user / "it/mine").write_text("mine")
    done = scaffold("new", make(COPIER), "it", cwd=user)
    assert (done.returncode, "it-2" in done.stderr) == (2, True)
    assert entries(user / "it") == ["mine"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_stopped_in_the_middle_nothing_is_left(make, user, tmp_path, number, code):
    task = f"sleep 300 & echo $! > {tmp_path}/pids; echo $$ >> {tmp_path}/pids; wait"
    folder = make(COPIER, **{"copier.yml": f"name: bob\ncount: 1\n_tasks:\n- '{task}'\n"})
    environment = user_environment(user, TMPDIR=str(tmp_path))
    command = subprocess.Popen(
        [SCAFFOLD, "new", folder, "it", "--trust"],
        cwd=user,
        env=environment,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    pids = read_pids(tmp_path / "pids")
    command.send_signal(number)
    assert command.wait(timeout=30) == code
    assert entries(user) == []
    for pid in pids:
        if number == signal.SIGKILL and alive(pid):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(map(alive, pids)), seconds=1 if number != signal.SIGKILL else 10)


@pytest.mark.parametrize(("base", "folder"), [(COPIER, "it"), (COOKIECUTTER, "thing")])
def test_a_terminal_is_asked(make, user, base, folder):
    arguments = ["new", str(make(base)), *(["it"] if base is COPIER else [])]
    asked = pexpect.spawn(
        str(SCAFFOLD),
        arguments,
        cwd=str(user),
        env=user_environment(user),
        encoding="utf-8",
        dimensions=(40, 100),
        timeout=60,
    )
    if base is COOKIECUTTER:
        asked.expect("slug")
        asked.sendline("")
    asked.expect("Whose" if base is COPIER else "name")
    asked.sendline("Ann" if base is COOKIECUTTER else "\x7f\x7f\x7fAnn")
    if base is COPIER:
        asked.expect("count")
        asked.sendline("")
    asked.expect("is ready")
    asked.expect(pexpect.EOF)
    asked.close()
    assert asked.exitstatus == 0
    assert (user / folder / "hello.txt").read_text().startswith("Hello Ann")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("gh:owner/repo", True),
        ("gl:group/sub/repo", True),
        ("bb:owner/repo.git", True),
        ("https://example.org/a.git", True),
        ("git@example.org:a/b.git", True),
        ("./here", True),
        ("~/here", True),
        ("/abs/path", True),
        ("..", True),
        ("streaming-pipeline", False),
        ("gh", False),
    ],
)
def test_a_source_is_told_from_a_name(spec, expected):
    assert is_foreign(spec) is expected
