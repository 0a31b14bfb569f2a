"""``scaffold new`` as a user runs it: questions, answers, git, lock, dry run."""

import json
import subprocess
import tomllib

import pexpect
import pytest
import yaml
from trees import SCAFFOLD, document, entries, scaffold, user_environment

TEMPLATE = "streaming-pipeline"
QUICK = ("--defaults", "--no-lock", "--no-git")


def new(*arguments, cwd, **environ):
    return scaffold("new", TEMPLATE, *arguments, cwd=cwd, **environ)


def metadata(project):
    return tomllib.loads((project / "pyproject.toml").read_text())["project"]


def recorded(project):
    return yaml.safe_load((project / ".copier-answers.yml").read_text())


def git(project, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=project, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_project_takes_its_name_from_the_folder(tmp_path):
    done = new("My Pipeline", *QUICK, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert metadata(tmp_path / "My Pipeline")["name"] == "my-pipeline"
    assert (tmp_path / "My Pipeline/src/my_pipeline/__init__.py").exists()
    assert "cd 'My Pipeline'" in done.stdout


def test_a_folder_takes_its_name_from_the_project(tmp_path):
    done = new(*QUICK, "--data", "project_name=card-watch", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert entries(tmp_path) == ["card-watch"]


def test_without_any_name_it_is_the_templates(tmp_path):
    new(*QUICK, cwd=tmp_path)
    again = new(*QUICK, cwd=tmp_path)

    assert entries(tmp_path) == [TEMPLATE]
    assert again.returncode == 2
    assert f"{TEMPLATE} exists and isn't empty. Try {TEMPLATE}-2." in again.stderr


def test_without_a_terminal_nothing_is_asked(tmp_path):
    done = new("x", "--no-lock", "--no-git", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert metadata(tmp_path / "x")["authors"] == [
        {"name": "Your Name", "email": "you@example.com"}
    ]


def test_git_says_who_the_author_is(tmp_path):
    (tmp_path / ".gitconfig").write_text(
        '[user]\n\tname = Zoë \\"Z\\" <Ångström>\n\temail = zoe@mail.example.org\n[github]\n\tuser = zoe\n'
    )

    new("x", *QUICK, cwd=tmp_path)

    assert metadata(tmp_path / "x")["authors"] == [
        {"name": 'Zoë "Z" <Ångström>', "email": "zoe@mail.example.org"}
    ]
    assert recorded(tmp_path / "x")["owner"] == "zoe"


def test_what_git_says_is_left_aside_where_it_cannot_stand_in_a_project(tmp_path):
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = 1234\n\temail = me@localhost\n")

    done = new("x", *QUICK, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert metadata(tmp_path / "x")["authors"][0]["name"] == "Your Name"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps({"title": 'Say "hi"', "license": "Apache-2.0"})),
        ("a.toml", "title = 'Say \"hi\"'\nlicense = 'Apache-2.0'\n"),
        ("a.yaml", "title: 'Say \"hi\"'\nlicense: Apache-2.0\n_commit: 1.0\n"),
    ],
)
def test_answers_come_from_a_file_and_data_overrides_them(tmp_path, name, text):
    (tmp_path / name).write_text(text)

    done = new("x", *QUICK, "--answers", name, "--data", "license=MIT", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert recorded(tmp_path / "x")["title"] == 'Say "hi"'
    assert metadata(tmp_path / "x")["license"] == "MIT"


def test_a_projects_record_makes_the_same_project_again(tmp_path):
    new("one", *QUICK, "--data", "title=A: b # c", "--data", "owner=me", cwd=tmp_path)

    done = new("two", *QUICK, "--answers", "one/.copier-answers.yml", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    same = subprocess.run(
        ["diff", "-r", "one", "two"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert same.stdout == ""


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.json", "{", "a.json can't be understood"),
        ("a.toml", "= 1", "a.toml can't be understood"),
        ("a.yaml", "a: [", "a.yaml can't be understood"),
        ("a.yaml", "- x", "a.yaml is no list of KEY: VALUE"),
        ("a.yaml", "title: 2024", "title = 2024, which isn't text. Put it in double quotes."),
        ("a.yaml", "titel: x", "Did you mean `title`?"),
        ("a.yaml", b"title: \xff", "a.yaml can't be understood"),
    ],
)
def test_a_file_of_answers_that_cannot_be_used_is_refused_in_one_line(
    tmp_path, name, text, complaint
):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    done = new("x", *QUICK, "--answers", name, cwd=tmp_path)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert entries(tmp_path) == [name]


def test_a_dry_run_lists_the_files_and_writes_nothing(tmp_path):
    done = new("a/x", "--dry-run", cwd=tmp_path)
    listed = document(new("a/x", "--dry-run", "--json", cwd=tmp_path))

    assert "src/x/__init__.py\n" in done.stdout
    assert listed["files"] == done.stdout.split("\n\n")[0].splitlines()
    assert listed["dry_run"] is True
    assert entries(tmp_path) == []


def test_a_dry_run_finds_what_is_in_the_way(tmp_path):
    (tmp_path / "x").write_text("mine")

    assert new("x", "--dry-run", cwd=tmp_path).returncode == 2


def test_the_first_commit_holds_the_whole_project(tmp_path):
    done = new("x", "--defaults", "--no-lock", "--json", cwd=tmp_path)

    answer = document(done)
    project = tmp_path / "x"
    assert git(project, "status", "--porcelain", "--ignored") == ""
    assert git(project, "rev-parse", "HEAD").strip() == answer["git"]["commit"]
    assert git(project, "rev-list", "--count", "HEAD") == "1\n"
    assert len(git(project, "ls-files").splitlines()) == answer["files"]
    assert answer["path"] == str(project)
    assert answer["answers"]["project_name"] == "x"
    assert answer["next"] == ["cd x", "make demo"]


def test_without_git_there_is_a_project_all_the_same(tmp_path):
    (tmp_path / "bin").mkdir()
    done = new("x", "--defaults", "--no-lock", cwd=tmp_path, PATH=str(tmp_path / "bin"))

    assert done.returncode == 0, done.stderr
    assert "git is not installed" in done.stderr
    assert (tmp_path / "x/README.md").exists()


def test_the_folder_one_stands_in_becomes_the_project(tmp_path):
    (tmp_path / "card-watch").mkdir()

    done = scaffold("new", TEMPLATE, ".", "--defaults", "--no-lock", cwd=tmp_path / "card-watch")

    assert done.returncode == 0, done.stderr
    assert metadata(tmp_path / "card-watch")["name"] == "card-watch"
    assert git(tmp_path / "card-watch", "status", "--porcelain") == ""
    assert "cd " not in done.stdout


def terminal(tmp_path, *arguments):
    return pexpect.spawn(
        str(SCAFFOLD),
        ["new", TEMPLATE, *arguments],
        cwd=str(tmp_path),
        env=user_environment(tmp_path, NO_COLOR="1"),
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 200),
    )


def test_at_a_terminal_each_question_shows_its_default_and_asks_again_when_refused(tmp_path):
    session = terminal(tmp_path, "--no-lock", "--no-git")

    session.expect_exact(f"repository [{TEMPLATE}]: ")
    session.sendline("Bad Name")
    session.expect_exact("must be lower-case")
    session.expect_exact("Try bad-name.")
    session.expect_exact(f"[{TEMPLATE}]: ")
    session.sendline("card-watch")
    session.expect_exact("[card_watch]: ")
    session.sendline("json")
    session.expect_exact("standard library. Try my_json.")
    session.expect_exact("[card_watch]: ")
    session.sendline("")
    session.expect_exact("[Card Watch]: ")
    session.sendline('Überwachung & "Co"')
    session.expect_exact("]: ")
    session.sendline("")
    session.expect_exact("Your name [Your Name]: ")
    session.sendline("Zoë")
    session.expect_exact("[you@example.com]: ")
    session.sendline("nobody")
    session.expect_exact("is not an address")
    session.sendline("zoe@mail.example.org")
    session.expect_exact("[your-account]: ")
    session.sendline("")
    session.expect_exact("(MIT, Apache-2.0, BSD-3-Clause, Proprietary) [MIT]: ")
    session.sendline("proprietary")
    session.expect(pexpect.EOF)
    session.close()

    assert session.exitstatus == 0
    answers = recorded(tmp_path / "card-watch")
    assert answers["title"] == 'Überwachung & "Co"'
    assert answers["author_name"] == "Zoë"
    assert answers["license"] == "LicenseRef-Proprietary"


def test_at_a_terminal_what_is_given_is_not_asked(tmp_path):
    given = [f"--data={key}" for key in ("title=T", "description=D", "license=MIT", "owner=o")]
    session = terminal(tmp_path, "x", "--no-lock", "--no-git", *given)

    for default in ("[x]: ", "[x]: ", "[Your Name]: ", "[you@example.com]: "):
        session.expect_exact(default)
        session.sendline("")
    session.expect_exact("x is ready")
    session.expect(pexpect.EOF)
    session.close()

    assert session.exitstatus == 0


@pytest.mark.parametrize(("key", "status"), [("\x03", 130), ("\x04", 2)], ids=["Ctrl-C", "Ctrl-D"])
def test_leaving_in_the_middle_of_the_questions_leaves_nothing(tmp_path, key, status):
    session = terminal(tmp_path, "x")
    session.expect_exact("[x]: ")
    session.send(key)
    session.expect(pexpect.EOF)
    session.close()

    assert session.exitstatus == status
    assert "Traceback" not in session.before
    assert entries(tmp_path) == []


def test_json_never_asks_even_at_a_terminal(tmp_path):
    session = terminal(tmp_path, "x", "--json", "--no-lock", "--no-git")
    session.expect(pexpect.EOF)
    session.close()

    assert session.exitstatus == 0
    assert '"verb": "new"' in session.before


def test_the_destination_is_looked_at_before_anything_is_asked(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/mine").write_text("mine")
    session = terminal(tmp_path, "x")
    session.expect_exact("x exists and isn't empty. Try x-2.")
    session.expect(pexpect.EOF)
    session.close()

    assert session.exitstatus == 2


def test_making_the_environment_needs_make_and_says_so(tmp_path):
    (tmp_path / "bin").mkdir()
    done = new("x", *QUICK, "--install", cwd=tmp_path, PATH=str(tmp_path / "bin"))

    assert done.returncode == 1
    assert "make is not installed" in done.stderr
    assert (tmp_path / "x/README.md").exists()
