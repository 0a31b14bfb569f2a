"""The command line itself: help, one-line complaints, JSON, colours, exit codes, speed."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pexpect
import pytest
from trees import SCAFFOLD, document, entries, scaffold, user_environment

import scaffold as package
from scaffold.cli import VERBS

ROOT = Path(__file__).parents[1]
HEAVY = {"copier", "cookiecutter", "jinja2", "questionary", "pydantic", "rich", "prompt_toolkit"}


def complaint(done, code=2):
    """Return the one line on stderr of a run that was refused."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("scaffold: ")
    return line


def test_version_is_that_of_the_distribution(tmp_path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert package.__version__ == project["version"]
    assert scaffold("--version", cwd=tmp_path).stdout == f"scaffold {project['version']}\n"


def test_help_shows_every_verb_and_examples(tmp_path):
    done = scaffold("--help", cwd=tmp_path)

    assert done.returncode == 0
    assert "examples:" in done.stdout
    for verb, entry in VERBS.items():
        assert verb in done.stdout
        assert entry.summary in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help_with_examples(tmp_path, verb):
    done = scaffold(verb, "--help", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout
    assert f"scaffold {verb}" in done.stdout
    assert "--json" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["lst"], "there is no verb `lst`. Did you mean `scaffold list`?"),
        (["xyzzy"], "there is no verb `xyzzy`. Verbs: new, list,"),
        (["--jsn"], "unrecognized arguments: --jsn. Did you mean `--json`?"),
        (["--json=3"], "--json: ignored explicit argument '3'"),
        (["new"], "a template is missing. `scaffold list` shows what there is."),
        (["new", "streaming-pipelin"], "Did you mean `streaming-pipeline`?"),
        (["show", "zzz"], "there is no template `zzz`. `scaffold list` shows what there is."),
        (["new", "streaming-pipeline", "--dryrun"], "Did you mean `--dry-run`?"),
        (["new", "streaming-pipeline", "x", "y"], "unrecognized arguments: y"),
        (["new", "streaming-pipeline", "--data", "titel=X"], "Did you mean `title`?"),
        (["new", "streaming-pipeline", "--data", "title"], "Write --data KEY=VALUE."),
        (["new", "streaming-pipeline", "--answers", "no.yml"], "no.yml can't be read: No such"),
        (["new", "streaming-pipeline", "json"], "Try --data package_name=my_json."),
        (["new", "streaming-pipeline", "管道"], "Give one with --data project_name=NAME."),
        (["new", "streaming-pipeline", "--data", "project_name=a b"], "project_name=a-b."),
        (["completion", "fish"], "invalid choice: 'fish'"),
    ],
)
def test_bad_usage_is_one_line_that_says_what_to_type(tmp_path, arguments, expected):
    assert expected in complaint(scaffold(*arguments, cwd=tmp_path))
    assert entries(tmp_path) == []


def test_no_arguments_shows_the_help_on_stderr(tmp_path):
    done = scaffold(cwd=tmp_path)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: scaffold")


@pytest.mark.parametrize("arguments", [["--json", "list"], ["list", "--json"]])
def test_json_is_one_document_and_nothing_else(tmp_path, arguments):
    done = scaffold(*arguments, cwd=tmp_path)

    assert done.stderr == ""
    answer = document(done)
    assert (answer["schema"], answer["verb"], answer["ok"]) == (1, "list", True)
    assert "streaming-pipeline" in [each["name"] for each in answer["templates"]]


def test_an_error_under_json_is_a_document_too(tmp_path):
    done = scaffold("show", "zzz", "--json", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr == ""
    answer = document(done)
    assert answer["ok"] is False
    assert answer["verb"] == "show"
    assert answer["error"].startswith("there is no template `zzz`.")


def test_show_says_what_is_asked_and_what_is_made(tmp_path):
    answer = document(scaffold("show", "streaming-pipeline", "--files", "--json", cwd=tmp_path))
    told = scaffold("show", "streaming-pipeline", "--files", cwd=tmp_path).stdout

    assert [each["key"] for each in answer["questions"]][:2] == ["project_name", "package_name"]
    assert answer["questions"][-1]["choices"] == [
        "MIT",
        "Apache-2.0",
        "BSD-3-Clause",
        "Proprietary",
    ]
    assert {"LICENSE", ".copier-answers.yml", "pyproject.toml"} <= set(answer["files"])
    assert answer["summary"] in told
    assert "  portfolio_project/\n" in told


def test_colour_only_where_somebody_looks(tmp_path):
    plain = scaffold("zzz", cwd=tmp_path).stderr
    forced = scaffold("zzz", cwd=tmp_path, FORCE_COLOR="1").stderr
    refused = scaffold("zzz", cwd=tmp_path, FORCE_COLOR="1", NO_COLOR="1").stderr

    assert "\x1b" not in plain
    assert "\x1b[31m" in forced
    assert refused == plain


@pytest.mark.parametrize(("variable", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colour_unless_it_says_no(tmp_path, variable, coloured):
    environment = user_environment(tmp_path, **variable)
    output = pexpect.run(f"{SCAFFOLD} zzz", env=environment, cwd=str(tmp_path))

    assert (b"\x1b[31m" in output) is coloured


def test_a_locale_without_unicode_is_no_hindrance(tmp_path):
    done = scaffold(
        "new", "streaming-pipeline", "x", "--defaults", "--no-lock", "--no-git",
        cwd=tmp_path, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_a_reader_who_leaves_is_no_error_to_talk_about(tmp_path):
    command = f"{SCAFFOLD} show streaming-pipeline --files | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env=user_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_a_defect_is_one_line_that_names_a_saved_log(tmp_path):
    broken = (
        "import sys, scaffold.template, scaffold.cli\n"
        "scaffold.template.available = lambda: 1 / 0\n"
        "import scaffold.verbs.list as verb\n"
        "verb.available = scaffold.template.available\n"
        "sys.exit(scaffold.cli.main(['list']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken],
        cwd=tmp_path,
        env=user_environment(tmp_path, XDG_STATE_HOME=str(tmp_path / "state")),
        capture_output=True,
        text=True,
        check=False,
    )

    line = complaint(done, code=1)
    (log,) = (tmp_path / "state/scaffold").iterdir()
    assert str(log) in line
    assert "ZeroDivisionError" in line
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_scripts_know_the_verbs(tmp_path, shell):
    done = scaffold("completion", shell, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    for verb in VERBS:
        assert verb in done.stdout
    assert shell == "tcsh" or "--no-lock" in done.stdout  # shtab gives tcsh no nested options


def test_bash_completes_a_verb_with_its_script(tmp_path):
    script = tmp_path / "completion.bash"
    script.write_text(scaffold("completion", "bash", cwd=tmp_path).stdout)
    ask = (
        f"source {script}; COMP_WORDS=(scaffold ne); COMP_CWORD=1; "
        '$(complete -p scaffold | sed "s/.*-F \\([^ ]*\\).*/\\1/"); echo "${COMPREPLY[@]}"'
    )

    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["new"]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["show", "streaming-pipeline"], ["new", "--help"]]
)
def test_what_should_be_quick_imports_nothing_heavy(tmp_path, arguments):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "scaffold", *arguments],
        cwd=tmp_path,
        env=user_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )

    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    tops = {name.partition(".")[0] for name in imported}
    assert "argparse" in tops
    assert tops & HEAVY == set()
    if arguments in (["--help"], ["list"]):
        assert tops & {"yaml", "pathspec", "subprocess", "zipfile"} == set()


def test_the_package_imports_only_downwards():
    order = {"verbs": 3, "cli": 4, "__main__": 5}
    nouns = {"tree", "identity", "errors", "report", "console", "nearest", "reserved", "template"}
    for source in (ROOT / "scaffold").rglob("*.py"):
        inside = source.relative_to(ROOT / "scaffold").with_suffix("").parts
        imports = [
            line.split()[1].split(".")[1:]
            for line in source.read_text().splitlines()
            if line.strip().startswith("from scaffold.")
        ]
        rank = order.get(inside[0], 2)
        for target in imports:
            assert order.get(target[0], 0) <= rank, f"{source} imports scaffold.{'.'.join(target)}"
            if inside[0] in nouns:
                assert target[0] in nouns, f"{source} is a noun and imports {target[0]}"
