"""Doing a run again either gives the same bytes, or says what differs and what may be why."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from runs import make_run

from portfolio_project.provenance import (
    ReproduceError,
    UnreadableError,
    compare_runs,
    deterministic_environment,
    reproduce,
    write_run,
)

# A training program in miniature: it writes a model and its manifest into the folder it is given.
TRAIN = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from runs import make_run
from portfolio_project import provenance

out = Path(sys.argv[1])
with provenance.deterministic(7) as generator:
    weights = generator.normal(size=3)
{change}
    files, manifest = make_run(out, str(weights))
    provenance.write_run(out / "run.json", manifest)
"""
TESTS = str(Path(__file__).parents[1])


def command(change=""):
    return [sys.executable, "-c", TRAIN.replace("{change}", change), "{out}", TESTS]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    argv = [part.replace("{out}", str(folder)) for part in command()]
    environment = {**os.environ, **deterministic_environment()}
    subprocess.run(argv, env=environment, check=True)
    return folder


def test_the_same_run_in_a_fresh_process_gives_the_same_bytes(original, tmp_path):
    done = reproduce(original, command(), tmp_path / "again")
    assert done.same
    assert done.verdict == "train: reproduced, 1 outputs byte for byte"
    assert done.causes == ()


def test_a_run_that_depends_on_chance_is_found_out(original, tmp_path):
    done = reproduce(original, command("    weights = list(os.urandom(8))"), tmp_path / "again")
    assert not done.same
    assert "they part at byte" in done.differences[0]
    assert done.verdict.endswith("with the same code, lock, data and settings")


def test_a_failing_run_shows_its_last_lines(original, tmp_path):
    failing = [sys.executable, "-c", "import sys; sys.exit('no such column: amount')"]
    with pytest.raises(ReproduceError, match="no such column: amount"):
        reproduce(original, failing, tmp_path / "again")


def test_a_run_that_takes_too_long_is_ended(original, tmp_path):
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(ReproduceError, match=r"took more than 0\.2 s"):
        reproduce(original, sleep, tmp_path / "again", timeout_s=0.2)


def test_a_folder_in_use_is_left_alone(original, tmp_path):
    (tmp_path / "precious").touch()
    with pytest.raises(ReproduceError, match="is not empty"):
        reproduce(original, command(), tmp_path)


def test_without_a_first_run_nothing_is_started(tmp_path):
    with pytest.raises(UnreadableError, match="Run the command that writes it"):
        reproduce(tmp_path / "none", ["no-such-command"], tmp_path / "again")


@pytest.fixture
def two_runs(tmp_path):
    def make(first=None, second=None, **changes):
        for name, extra in (("first", first), ("second", second)):
            _, manifest = make_run(tmp_path / name, **(extra or {}))
            if name == "second":
                manifest = manifest.model_copy(update=changes)
            write_run(tmp_path / name / "run.json", manifest)
        return compare_runs(tmp_path / "first", tmp_path / "second")

    return make


def test_what_changed_is_named(two_runs):
    assert two_runs(code_sha256="0" * 64).causes == ("the code changed",)
    assert two_runs(lock_sha256="0" * 64).causes == ("requirements.lock changed",)
    assert two_runs(seed=8).causes == ("seed 7, then 8",)
    assert two_runs(second={"rounds": 11}).causes == ("setting rounds 10, then 11",)


def test_a_metric_that_moved_is_a_difference(two_runs):
    done = two_runs(second={"score": 0.5})
    assert done.differences == ("metric score 0.8, then 0.5",)


def test_json_outputs_are_compared_by_key(two_runs):
    before, after = {"trees": 10, "leaves": [1, 2]}, {"trees": 11, "leaves": [1, 2]}
    done = two_runs({"content": json.dumps(before)}, {"content": json.dumps(after)})
    assert done.differences == ("model.bin: trees 10, then 11",)


def test_an_output_edited_afterwards_is_no_reproduction(two_runs, tmp_path):
    assert two_runs().same
    (tmp_path / "second" / "model.bin").write_text("edited")
    done = compare_runs(tmp_path / "first", tmp_path / "second")
    assert done.differences == ("model.bin: missing or changed since the second run wrote it",)


def test_another_python_is_a_cause_not_a_difference(two_runs, tmp_path):
    two_runs()
    path = tmp_path / "second" / "run.json"
    manifest = json.loads(path.read_text())
    manifest["environment"]["python"] = "3.99.0"
    path.write_text(json.dumps(manifest))
    done = compare_runs(tmp_path / "first", tmp_path / "second")
    assert done.same
    assert done.causes[0].startswith("python 3.")
    assert "although" in done.verdict
