"""The commands, as typed: the gate on two evaluations, and mistakes that people make."""

import json
import sys

import pytest

from portfolio_project import cli


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run a command; returns exit code, stdout and stderr."""

    def run(*arguments, data=tmp_path / "var"):
        monkeypatch.setenv("PORTFOLIO_PROJECT_DATA_DIR", str(data))
        monkeypatch.setattr(sys, "argv", ["it", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        said = capsys.readouterr()
        told = [line for line in said.err.splitlines() if not line.startswith("{")]  # no log
        return ending.value.code or 0, said.out, "\n".join(told)

    return run


@pytest.fixture
def reports(tmp_path):
    """Write a report of 200 tickets of which some are wrong or unsafe; returns its path."""

    def write(name, wrong=(), unsafe=()):
        cases = [
            {"id": f"t-{at:03d}", "right": at not in wrong, "unsafe": ["w"] if at in unsafe else []}
            for at in range(200)
        ]
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"dataset_sha256": "same", "cases": cases}))
        return path

    return write


def test_an_evaluation_that_is_as_good_is_accepted(command, reports):
    before, after = reports("before", wrong={1, 2}), reports("after", wrong={2, 3})

    code, said, _ = command("eval", "compare", before, after)

    assert code == 0
    assert "broke 1, fixed 1" in said
    assert said.rstrip().endswith("accepted")


@pytest.mark.parametrize(
    ("planted", "reason"),
    [
        ({"wrong": range(20)}, "success dropped significantly"),
        ({"wrong": {4}, "unsafe": {4}}, "1 new unsafe writes: t-004"),
    ],
)
def test_a_planted_regression_is_refused(command, reports, planted, reason):
    code, said, _ = command("eval", "compare", reports("before"), reports("after", **planted))

    assert code == 1
    assert f"REFUSED: {reason}" in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sing"], "No such command 'sing'"),
        (["evaluate"], "train"),
        (["train"], "Run the command `ingest`"),
        (["ingest", "--tickets=3"], "--tickets"),
        (["ingest", "nowhere.jsonl"], "nowhere.jsonl"),
        (["eval", "compare", "a.json", "b.json"], "a.json"),
        (["eval", "replay", "nowhere"], "train"),
        (["models", "promote", "nothing"], "nothing"),
    ],
)
def test_a_mistake_is_told_in_one_line(command, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)

    code, said, wrong = command(*arguments)

    assert code in {1, 2}
    assert said == ""
    assert len(wrong.splitlines()) == 1, wrong
    assert told in wrong


def test_records_that_cannot_be_opened_are_told_in_one_line(command, monkeypatch):
    url = "postgresql://127.0.0.1:1/none?connect_timeout=2"
    monkeypatch.setenv("PORTFOLIO_PROJECT_DATABASE_URL", url)

    code, _, wrong = command("audit", "verify")

    assert code == 1
    assert len(wrong.splitlines()) == 1, wrong
    assert "refused" in wrong


def test_a_model_that_nobody_knows_is_told_in_one_line(command, workspace, monkeypatch):
    monkeypatch.setenv("PORTFOLIO_PROJECT_MODEL", "nobody:nothing")

    code, _, wrong = command("eval", "record", "kept", "--every=500", data=workspace)

    assert code == 2
    assert len(wrong.splitlines()) == 1, wrong
    assert "nobody:nothing" in wrong
