"""`scaffold verify` on small projects: good, broken, hanging, killed, and no projects at all."""

import json
import re
import signal
import subprocess
import xml.etree.ElementTree as ET

import pexpect
import pytest
from living import alive, read_pids, wait_until
from trees import (
    SCAFFOLD,
    document,
    entries,
    living_template,
    scaffold,
    user_environment,
    write_files,
)

from scaffold.gate.surroundings import surroundings

MAKEFILE = """\
gate-steps:
	@printf 'lock\\nlint\\ntest\\n'
gate-lock:
	@echo "gate-lock: ok: 3 packages agree"
gate-lint:
	@echo "gate-lint: ok: nothing found"
gate-test:
	@mkdir -p dist && echo wheel > dist/it-1.whl
	@cat README.md
	@echo "gate-test: ok: 7 tests passed"
"""
BROKEN = MAKEFILE.replace(
    '	@echo "gate-lint: ok: nothing found"',
    '	@echo "$(CURDIR)/src/a.py:1:8: F401 unused"; echo "Found 1 error."; exit 1',
)
FILES = {
    "Makefile": MAKEFILE,
    "README.md": "as committed\n",
    "pyproject.toml": '[project]\nname = "my-it"\n',
    ".gitignore": "ignored/\n",
}
HANGING = """\
gate-steps:
	@printf 'lock\\nhang\\n'
gate-lock:
	@echo ok
gate-hang:
	@trap '' TERM; sleep 300 & echo $$! > {pids}; echo $$$$ >> {pids}; echo waiting; sleep 300
"""


def commit(folder):
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=A", "-c", "user.email=a@b.example", "commit", "-qm", "All"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


@pytest.fixture
def make_project(tmp_path):
    """Make a committed project of {path: content}; returns its folder."""

    def make(**changed):
        folder = tmp_path / "it"
        write_files(folder, {**FILES, **{k.replace("_", "."): v for k, v in changed.items()}})
        commit(folder)
        return folder

    return make


def junit(folder):
    return ET.fromstring((folder / "junit.xml").read_text())  # noqa: S314 - our own


def scratch_is_gone(home):
    cache = home / ".cache" / "scaffold"
    return not cache.exists() or not entries(cache)


def test_a_good_project_passes_step_by_step(make_project, tmp_path):
    done = scaffold("verify", make_project(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"it: passed \(3 of 3 steps, \d+ s\)\n", done.stdout)
    assert re.search(r"✓ lock +\d+\.\d s  3 packages agree\n", done.stderr)
    assert re.search(r"✓ test +\d+\.\d s  7 tests passed\n", done.stderr)
    assert scratch_is_gone(tmp_path)


def test_this_folder_is_the_default(make_project):
    folder = make_project()
    done = scaffold("verify", "--step", "lock", cwd=folder)
    assert (done.returncode, done.stdout.split("(")[0]) == (0, "it: passed ")


def test_the_document_holds_everything(make_project, tmp_path):
    folder = make_project()
    done = scaffold("verify", folder, "--json", cwd=tmp_path)
    told = document(done)
    assert (told["verb"], told["ok"], told["project"]) == ("verify", True, "it")
    head = ["git", "rev-parse", "HEAD"]
    assert told["commit"] == subprocess.check_output(head, cwd=folder, text=True).strip()
    assert [step["status"] for step in told["steps"]] == ["passed"] * 3
    assert set(told["hashes"]) == {"pyproject.toml", "dist/it-1.whl"}
    assert {"scaffold", "uv", "git", "make", "system"} <= told["versions"].keys()


def test_what_is_not_committed_is_left_out_and_said(make_project, tmp_path):
    folder = make_project()
    (folder / "README.md").write_text("changed\n")
    (folder / "Makefile").write_text(BROKEN)
    (folder / "ignored").mkdir()
    (folder / "ignored" / "x").touch()
    done = scaffold("verify", folder, cwd=tmp_path)
    assert done.returncode == 0
    assert "2 uncommitted changes are left out: Makefile, README.md" in done.stderr


def test_a_failed_step_is_named_with_the_lines_that_matter(make_project, tmp_path):
    done = scaffold("verify", make_project(Makefile=BROKEN), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("it: failed at lint (2 of 3 steps")
    assert "  src/a.py:1:8: F401 unused\n  Found 1 error.\n" in done.stderr
    assert str(tmp_path) not in done.stderr
    assert "✓ test" in done.stderr
    assert scratch_is_gone(tmp_path)


def test_nothing_follows_a_failed_first_step(make_project, tmp_path):
    makefile = MAKEFILE.replace('@echo "gate-lock: ok: 3 packages agree"', "@echo no; exit 1")
    told = document(scaffold("verify", make_project(Makefile=makefile), "--json", cwd=tmp_path))
    assert [step["status"] for step in told["steps"]] == ["failed", "skipped", "skipped"]


def test_fail_fast_stops(make_project, tmp_path):
    folder = make_project(Makefile=BROKEN)
    told = document(scaffold("verify", folder, "--json", "--fail-fast", cwd=tmp_path))
    assert [step["status"] for step in told["steps"]] == ["passed", "failed", "skipped"]
    assert told["steps"][2]["summary"] == "lint failed"


def test_reports_are_written(make_project, tmp_path):
    arguments = ["--evidence", "new/EVIDENCE.md", "--junit", "junit.xml"]
    done = scaffold("verify", make_project(Makefile=BROKEN), *arguments, cwd=tmp_path)
    assert done.returncode == 1
    evidence = (tmp_path / "new" / "EVIDENCE.md").read_text()
    assert "| lint | **failed** |" in evidence
    assert "    src/a.py:1:8: F401 unused\n" in evidence
    assert re.search(r"\| `dist/it-1\.whl` \| `[0-9a-f]{64}` \|", evidence)
    assert str(tmp_path) not in evidence
    suite = junit(tmp_path)[0]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    assert [case.get("name") for case in suite] == ["lock", "lint", "test"]
    assert suite[1][0].text == "src/a.py:1:8: F401 unused\nFound 1 error."


def test_junit_survives_what_xml_forbids(make_project, tmp_path):
    makefile = MAKEFILE.replace(
        '@echo "gate-lint: ok: nothing found"', "@printf 'a\\001<b>&\\n'; exit 1"
    )
    scaffold("verify", make_project(Makefile=makefile), "--junit", "junit.xml", cwd=tmp_path)
    assert junit(tmp_path)[0][1][0].text == "a\N{REPLACEMENT CHARACTER}<b>&"


def test_the_clone_is_kept_on_request(make_project, tmp_path):
    told = document(scaffold("verify", make_project(), "--keep", "--json", cwd=tmp_path))
    kept = tmp_path / ".cache" / "scaffold"
    assert told["kept"].startswith(str(kept))
    assert (kept / entries(kept)[0] / "it" / "dist" / "it-1.whl").exists()


def test_only_the_steps_that_are_named_run_in_the_gate_s_order(make_project, tmp_path):
    arguments = ["--step", "test", "--step", "lock", "--json"]
    told = document(scaffold("verify", make_project(), *arguments, cwd=tmp_path))
    assert [step["name"] for step in told["steps"]] == ["lock", "test"]


def test_a_step_that_hangs_is_ended_with_all_it_started(make_project, tmp_path):
    pids = tmp_path / "pids"
    folder = make_project(Makefile=HANGING.format(pids=pids))
    done = scaffold("verify", folder, "--timeout", "1.5", "--json", cwd=tmp_path)
    assert done.returncode == 1
    step = document(done)["steps"][1]
    assert (step["status"], step["summary"]) == ("timeout", "still running after 1.5 s (--timeout)")
    assert step["excerpt"] == ["waiting"]
    assert not any(map(alive, read_pids(pids)))
    assert scratch_is_gone(tmp_path)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_stopped_in_the_middle_nothing_is_left(make_project, tmp_path, number, code):
    pids = tmp_path / "pids"
    folder = make_project(Makefile=HANGING.format(pids=pids))
    command = subprocess.Popen(
        [SCAFFOLD, "verify", folder], cwd=tmp_path, env=user_environment(tmp_path),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    started = read_pids(pids)
    command.send_signal(number)
    assert command.wait(timeout=30) == code
    wait_until(lambda: not any(map(alive, started)))
    wait_until(lambda: scratch_is_gone(tmp_path))
    assert entries(folder) == sorted([".git", *FILES])


def test_a_terminal_shows_a_table_that_moves(make_project, tmp_path):
    folder = make_project()
    shown = pexpect.spawn(
        str(SCAFFOLD),
        ["verify", str(folder)],
        cwd=str(tmp_path),
        env=user_environment(tmp_path),
        encoding="utf-8",
        dimensions=(40, 100),
        timeout=60,
    )
    shown.expect("7 tests passed")
    shown.expect(r"it: passed")
    shown.expect(pexpect.EOF)
    shown.close()
    assert shown.exitstatus == 0


def test_a_folder_that_is_no_repository_is_copied(tmp_path):
    folder = tmp_path / "it"
    write_files(folder, {**FILES, "ignored/x": "1", "outside": tmp_path / "elsewhere"})
    write_files(tmp_path / "elsewhere", {"part.txt": "1"})
    makefile = MAKEFILE + "\t@test ! -e ignored && test -f outside/part.txt && git rev-parse HEAD\n"
    (folder / "Makefile").write_text(makefile)
    before = entries(folder)
    done = scaffold("verify", folder, "--json", cwd=tmp_path)
    told = document(done)
    assert told["ok"], told
    assert told["commit"] is None
    assert "not a repository of its own" in told["notes"][0]
    assert entries(folder) == before


def test_a_repository_without_a_commit_is_copied(tmp_path):
    folder = tmp_path / "it"
    write_files(folder, FILES)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    told = document(scaffold("verify", folder, "--json", cwd=tmp_path))
    assert (told["ok"], told["commit"]) == (True, None)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing"], "there is neither a folder nor a template missing"),
        (["streaming-pipelin"], "Did you mean the template `streaming-pipeline`?"),
        (["empty"], "has no Makefile"),
        (["plain"], "has no gate-steps"),
        (["it", "--step", "tets"], "Did you mean `--step test`?"),
        (["it", "--timeout", "soon"], "--timeout soon is no number of seconds"),
        (["it", "--timeout", "nan"], "--timeout nan is no number of seconds"),
        (["it", "--evidence", "it/Makefile/e.md"], "it/Makefile can't be made (File exists)"),
        (["it", "--junit", "empty"], "empty is a folder"),
    ],
)
def test_bad_input_is_one_line(make_project, tmp_path, arguments, says):
    make_project()
    (tmp_path / "empty").mkdir()
    write_files(tmp_path / "plain", {"Makefile": "all:\n"})
    done = scaffold("verify", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


@pytest.mark.parametrize(
    "recipe", ["\t@exit 3\n", "\t@true\n", "\t@echo 'Not A Step!'\n", "    @spaces\n"]
)
def test_a_gate_that_names_no_steps_is_a_failure(make_project, tmp_path, recipe):
    done = scaffold("verify", make_project(Makefile=f"gate-steps:\n{recipe}"), cwd=tmp_path)
    assert done.returncode == 1
    assert "`make -s gate-steps` failed" in done.stderr
    assert scratch_is_gone(tmp_path)


def test_the_user_s_shell_does_not_decide(tmp_path):
    base = {
        "HOME": str(tmp_path),
        "PATH": f"/usr/bin:{tmp_path}/venv/bin",
        "VIRTUAL_ENV": f"{tmp_path}/venv",
        "PYTHONPATH": "/elsewhere",
        "PYTEST_ADDOPTS": "-k nothing",
        "RUFF_CONFIG": "/elsewhere",
        "MAKEFLAGS": "n",
        "GIT_DIR": "/elsewhere",
        "UV_FROZEN": "1",
        "MY_IT_DATA_DIR": "/elsewhere",
        "CI": "true",
        "HTTPS_PROXY": "proxy.example",
        "UV_DEFAULT_INDEX": "index.example",
        "UV_CACHE_DIR": "/cache",
    }
    write_files(tmp_path, {"it/pyproject.toml": FILES["pyproject.toml"], "scratch/.keep": ""})
    write_files(tmp_path, {".config/uv/uv.toml": "offline = true\n", ".cache/ms-playwright/x": ""})
    made = surroundings(tmp_path / "it", tmp_path / "scratch", base)
    gone = {"VIRTUAL_ENV", "PYTHONPATH", "PYTEST_ADDOPTS", "RUFF_CONFIG", "MAKEFLAGS", "GIT_DIR"}
    assert not (gone | {"UV_FROZEN", "MY_IT_DATA_DIR"}) & made.keys()
    kept = ("CI", "HTTPS_PROXY", "UV_DEFAULT_INDEX", "UV_CACHE_DIR")
    assert {name: made[name] for name in kept} == {name: base[name] for name in kept}
    assert made["HOME"] == str(tmp_path / "scratch" / "home")
    assert made["PLAYWRIGHT_BROWSERS_PATH"] == str(tmp_path / ".cache" / "ms-playwright")
    assert f"{tmp_path}/venv/bin" not in made["PATH"].split(":")
    assert (tmp_path / "scratch/home/.config/uv/uv.toml").read_text() == "offline = true\n"
    shown = subprocess.check_output(["uv", "--version"], env=made, text=True)
    assert shown.startswith("uv ")


def test_a_template_is_generated_first(tmp_path, monkeypatch):
    # The command finds templates of its own package, so this one is asked for in process.
    from scaffold import cli  # noqa: PLC0415

    living_template(tmp_path, {**TEMPLATE, "Makefile": MAKEFILE})
    monkeypatch.setattr("scaffold.template.LIVING", tmp_path / "templates")
    for name, value in user_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_raise_on_signals", lambda: None)
    assert cli.main(["verify", "tiny", "--evidence", "E.md"]) == 0
    assert "# Evidence: tiny" in (tmp_path / "E.md").read_text()
    assert json.dumps(entries(tmp_path)) == json.dumps([".cache", "E.md", "templates"])


TEMPLATE = {
    "pyproject.toml": '[project]\nname = "portfolio-project"\nversion = "0"\n',
    "README.md": "# Portfolio Project\n",
    "LICENSE": "LicenseRef-Portfolio\n",
}
