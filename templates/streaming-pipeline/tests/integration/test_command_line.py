"""The commands, as typed: files of one's own, and mistakes that people make."""

import json
import subprocess
import sys

import pytest

from portfolio_project import cli, dataset, provenance

HEADER = "event_id,occurred_at,card_id,terminal_id,amount,fraud\n"
GOOD = "a1,2024-05-01T10:00:00Z,c1,t1,12.50,0\n"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run a command; returns exit code, stdout and stderr."""

    def run(*arguments, data=tmp_path / "var"):
        monkeypatch.setenv("PORTFOLIO_PROJECT_DATA_DIR", str(data))
        monkeypatch.setattr(sys, "argv", ["it", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        said = capsys.readouterr()
        return ending.value.code or 0, said.out, said.err

    return run


def test_the_commands_explain_themselves(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "portfolio_project", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    for name in ("ingest", "train", "evaluate", "reproduce", "stream", "serve", "demo", "models"):
        assert name in done.stdout


def test_a_file_of_ones_own_is_ingested_and_bad_rows_are_set_aside(command, tmp_path):
    source = tmp_path / "mine.csv"
    source.write_text(
        HEADER
        + GOOD
        + "a2,1714557700,c1,t1,20,1\n"
        + "a2,1714557800,c1,t1,20,0\n"
        + "a3,yesterday,c1,t1,20,0\n"
        + "a4,1714557900,c1,t1,much,0\n"
        + "a5,1714557900,c 1,t1,20,0\n"
        + "a6,1714557900,c1,t1,20,maybe\n"
        + ",1714557900,c1,t1,20,0\n"
    )
    code, said, _ = command("ingest", source)
    assert code == 0
    assert "3 events, 1 of them labels" in said
    assert "6 rows were refused" in said
    events = list(dataset.read_events(tmp_path / "var/data/events.log"))
    assert [event.topic for event in events] == ["transactions", "transactions", "labels"]
    assert b'"amount_cents":1250' in events[0].value
    letters = list(provenance.DeadLetters(tmp_path / "var/data/dead-letters.jsonl"))
    assert [(letter.line, letter.reason) for letter in letters] == [
        (4, "event_id: another row has it already"),
        (5, "occurred_at: give Unix seconds or ISO 8601"),
        (6, "amount: not a number"),
        (7, letters[3].reason),
        (8, "fraud: give 0 or 1"),
        (9, "event_id: missing"),
    ]
    assert letters[3].reason.startswith("card_id: ")


def test_json_lines_are_ingested_too(command, tmp_path):
    source = tmp_path / "mine.jsonl"
    row = '{"event_id":"a","occurred_at":1714557700,"card_id":"c","terminal_id":"t","amount":3.1}'
    source.write_text(f"{row}\nnonsense\n[1]\n")
    code, said, _ = command("ingest", source)
    assert code == 0
    assert "1 events" in said
    assert "2 rows were refused" in said


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (None, "missing.csv", "No such file"),
        (b"a,b\n1,2\n", "wrong.csv", "column 'event_id' is missing"),
        (b"\xff\xfe\x00", "binary.csv", "no UTF-8 text"),
        (HEADER.encode(), "empty.csv", "none of its rows is a transaction"),
    ],
)
def test_a_file_that_cannot_be_read_gets_one_line(command, tmp_path, content, name, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, _, complaint = command("ingest", tmp_path / name)
    assert code == 2
    assert said in complaint
    assert len(complaint.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["train", "--nonsense"], "No such option"),
        (["train", "--train-days", "0"], "greater than or equal to 1"),
        (["ingest", "--profile", "huge"], "'huge' is none of small, tiny, handbook"),
        (["train"], "Run the command `ingest` first"),
        (["evaluate"], "no model serves yet"),
        (["models", "rollback"], "no earlier version"),
        (["models", "promote", "abc"], "no version 'abc'"),
        ([], "Missing command"),
    ],
)
def test_a_mistake_gets_one_line_and_exit_2(command, arguments, said):
    code, _, complaint = command(*arguments)
    assert code == 2
    assert said in complaint
    assert len(complaint.splitlines()) == 1


def test_a_history_too_short_to_train_on_says_so(command, tmp_path):
    source = tmp_path / "mine.csv"
    source.write_text(HEADER + GOOD)
    assert command("ingest", source)[0] == 0
    code, _, complaint = command("train")
    assert code == 2
    assert complaint.strip().startswith("history is too short")


def test_models_are_listed_rolled_back_and_promoted(command, workspace):
    def listed():
        lines = command("models", "list", data=workspace)[1].splitlines()
        return {line[2:18]: line[0] == "*" for line in lines}

    before = listed()
    assert list(before.values()) == [False, True]
    assert command("models", "rollback", data=workspace)[0] == 0
    assert listed() == {version: not serves for version, serves in before.items()}
    champion = next(version for version, serves in before.items() if serves)
    assert command("models", "promote", champion[:6], data=workspace)[0] == 0
    assert listed() == before


def test_all_models_are_measured_on_the_same_days(command, workspace):
    code, said, _ = command("evaluate", data=workspace)
    assert code == 0
    names = [line[2:].split()[0] for line in said.splitlines()[1:]]
    assert names == ["rules", "logistic", "lightgbm"]
    report = json.loads((workspace / "reports/evaluate.json").read_bytes())
    trained_on = json.loads((workspace / "models/lightgbm/run.json").read_bytes())
    for name, value in report["metrics"].items():
        assert value == pytest.approx(trained_on["metrics"][name], abs=1e-6)
