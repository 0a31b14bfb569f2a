"""A manifest says all that shaped a run, and two equal runs say it in the same bytes."""

import json
import os
import random

import numpy as np
import pytest
import threadpoolctl
from runs import MODEL, make_run

from portfolio_project.provenance import (
    Environment,
    UnreadableError,
    deterministic,
    deterministic_environment,
    read_run,
    write_run,
)


def test_equal_runs_write_equal_bytes_at_different_times(tmp_path, monkeypatch):
    for name, epoch in (("first", "1"), ("second", "1000000")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        _, manifest = make_run(tmp_path / name)
        write_run(tmp_path / name / "run.json", manifest, duration_s=float(epoch))
    first, second = ((tmp_path / name / "run.json").read_bytes() for name in ("first", "second"))
    assert first == second
    volatile = [
        json.loads((tmp_path / name / "run.volatile.json").read_bytes())
        for name in ("first", "second")
    ]
    assert [entry["duration_s"] for entry in volatile] == [1.0, 1_000_000.0]
    assert volatile[0]["created_at"] == "1970-01-01T00:00:01+00:00"


@pytest.mark.parametrize(
    "changed",
    [{"content": "other"}, {"seed": 8}, {"score": 0.9}],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_changed_shows_in_the_manifest(tmp_path, changed):
    _, before = make_run(tmp_path / "before")
    _, after = make_run(tmp_path / "after", **changed)
    assert before.to_bytes() != after.to_bytes()


def test_a_manifest_reads_back_as_it_was(tmp_path):
    _, manifest = make_run(tmp_path)
    write_run(tmp_path / "run.json", manifest)
    assert read_run(tmp_path / "run.json") == manifest
    assert manifest.outputs[MODEL].size == len("weights")
    assert manifest.environment.packages["numpy"] == np.__version__
    assert manifest.config["learning_rate"] == 1e-7  # configuration is not rounded


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text[: len(text) // 2], "is no run manifest"),
        (lambda text: text.replace('"rounds": 10', '"rounds": 11'), "does not match config_sha256"),
        (lambda text: text.replace('"seed": 7', '"seed": -7'), "seed"),
        (lambda text: text.replace('"seed": 7', '"sed": 7'), "seed"),
        (lambda text: text.replace("0.8", "NaN"), "metrics.score"),
    ],
    ids=["torn", "config", "seed", "typo", "nan"],
)
def test_a_spoiled_manifest_is_refused_in_one_line(tmp_path, spoil, message):
    _, manifest = make_run(tmp_path)
    path = tmp_path / "run.json"
    path.write_text(spoil(manifest.to_bytes().decode()))
    with pytest.raises(UnreadableError, match=message) as caught:
        read_run(path)
    assert "\n" not in str(caught.value)


def test_a_missing_manifest_says_what_to_do(tmp_path):
    with pytest.raises(UnreadableError, match="Run the command that writes it"):
        read_run(tmp_path / "run.json")


def test_a_metric_that_is_no_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a finite number"):
        make_run(tmp_path, score=float("nan"))


def test_deterministic_seeds_every_generator_and_holds_one_thread():
    def draw():
        with deterministic(5) as generator:
            pools = {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
            legacy = np.random.random()  # noqa: NPY002 - what libraries draw from
            return pools, random.random(), legacy, generator.random()

    first, second = draw(), draw()
    assert first == second
    assert first[0] <= {1}


def test_deterministic_leaves_no_trace(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    random.seed(1)
    expected = random.random()
    random.seed(1)
    with deterministic(9):
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
        assert Environment.capture().threads["OMP_NUM_THREADS"] == "1"
        random.random()
    assert "OMP_NUM_THREADS" not in os.environ
    assert os.environ["MKL_NUM_THREADS"] == "3"
    assert random.random() == expected


def test_a_child_process_gets_one_thread_and_a_fixed_string_hash():
    assert deterministic_environment()["OPENBLAS_NUM_THREADS"] == "1"
    assert deterministic_environment()["PYTHONHASHSEED"] == "0"
