"""Training: many processes, pieces and interruptions come to what one run comes to."""

import json
import os
import subprocess
import sys
from pathlib import Path

import gradients
import pytest
import torch
from safetensors.torch import load_file

from portfolio_project import fitting, train
from portfolio_project.config import load_config
from portfolio_project.data.dataset import read_split
from portfolio_project.provenance import Registry
from portfolio_project.serving import load_settings
from portfolio_project.settings import Settings
from portfolio_project.training.batches import Batches
from portfolio_project.training.muon import orthogonal
from portfolio_project.training.trainer import Run, fit, rate_share
from portfolio_project.vocabulary import Vocabulary

TINY = load_config("tiny")
QUICK = TINY.model_copy(
    update={"optimiser": TINY.optimiser.model_copy(update={"steps": 6, "batch": 16})}
)


@pytest.fixture(scope="module")
def data(trained):
    return read_split(trained / "data" / "train")


@pytest.fixture(scope="module")
def vocabulary(data):
    return Vocabulary.of(data.captions)


def weights(fitted):
    return {
        f"{number}.{key}": value
        for number, module in enumerate((fitted.towers, fitted.head))
        for key, value in module.state_dict().items()
    }


def same(first, second):
    return first.keys() == second.keys() and all(first[k].equal(second[k]) for k in first)


def close(first, second):
    """Whether all is equal but for the last digits, which depend on the order of additions."""
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.slow
def test_two_processes_have_the_gradient_of_one(trained, tmp_path):
    dataset = trained / "data"
    alone = gradients.tensors_after(dataset, 0)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    out = tmp_path / "together.safetensors"
    done = subprocess.run(
        [*command, str(Path(gradients.__file__)), str(dataset), str(out), "0"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    close(alone, load_file(out))


@pytest.mark.slow
def test_two_processes_train_to_the_end_and_the_model_can_be_registered(trained, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    folder = tmp_path / "model"
    done = subprocess.run(
        [*command, "-m", fitting.__name__, str(trained / "data"), str(folder), "tiny"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    alone, together = (
        json.loads((model / "history.json").read_bytes())["loss"]
        for model in (trained / "models" / "tiny", folder)
    )
    assert len(together) == len(alone)
    assert together[:4] == pytest.approx(alone[:4], rel=1e-3)  # rounding grows from step to step
    assert sum(together[-4:]) == pytest.approx(sum(alone[-4:]), rel=0.05)
    settings = load_settings(Settings, data_dir=tmp_path / "var")
    (line,) = train.run_register(settings, folder)
    assert line.endswith("serves")
    assert Registry(settings.registry_dir).current().manifest.config["name"] == "tiny"


def test_a_batch_in_pieces_has_the_gradient_of_the_whole(trained):
    whole = gradients.tensors_after(trained / "data", 0)
    pieces = gradients.tensors_after(trained / "data", 0, 6)
    close(whole, pieces)


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(data, vocabulary, tmp_path):
    whole = fit(data, QUICK, vocabulary)
    fit(data, QUICK, vocabulary, checkpoints=tmp_path, until=3)
    seen = []
    resumed = fit(
        data, QUICK, vocabulary, checkpoints=tmp_path, told=lambda done, *_: seen.append(done)
    )
    assert seen == [4, 5, 6]
    assert resumed.losses == whole.losses
    assert same(weights(whole), weights(resumed))


def test_a_finished_training_that_was_not_exported_is_not_done_again(data, vocabulary, tmp_path):
    whole = fit(data, QUICK, vocabulary, checkpoints=tmp_path)
    seen = []
    again = fit(data, QUICK, vocabulary, checkpoints=tmp_path, told=lambda *step: seen.append(step))
    assert not seen
    assert again.losses == whole.losses
    assert same(weights(whole), weights(again))


def test_a_checkpoint_of_another_run_is_not_taken_up(data, vocabulary, tmp_path):
    fit(data, QUICK, vocabulary, checkpoints=tmp_path, until=2)
    other = QUICK.model_copy(update={"seed": 1})
    seen = []
    fit(data, other, vocabulary, checkpoints=tmp_path, told=lambda done, *_: seen.append(done))
    assert seen[0] == 1


def test_a_torn_checkpoint_costs_the_steps_but_not_the_run(data, vocabulary, tmp_path):
    fit(data, QUICK, vocabulary, checkpoints=tmp_path, until=2)
    (checkpoint,) = tmp_path.iterdir()
    checkpoint.write_bytes(checkpoint.read_bytes()[:1_000])
    assert len(fit(data, QUICK, vocabulary, checkpoints=tmp_path).losses) == 6


def test_training_makes_the_loss_smaller(data, vocabulary):
    losses = fit(data, TINY, vocabulary).losses
    assert sum(losses[-4:]) < 0.85 * sum(losses[:4])


@pytest.mark.parametrize("loss", ["infonce", "siglip"])
def test_either_loss_trains_with_and_without_hard_negatives(data, vocabulary, loss):
    for negatives in (0, 2):
        changes = {"loss": loss, "hard_negatives": negatives, "steps": 2}
        optimiser = QUICK.optimiser.model_copy(update=changes)
        fitted = fit(data, QUICK.model_copy(update={"optimiser": optimiser}), vocabulary)
        assert all(torch.tensor(fitted.losses).isfinite())


def test_every_sample_comes_once_before_any_comes_again(data, vocabulary):
    batches = Batches(data, QUICK, vocabulary)
    turn = len(data) // 16
    seen = [row for step in range(turn) for row in batches.rows(step).tolist()]
    assert len(set(seen)) == len(seen) == turn * 16
    assert batches.rows(turn).tolist() != batches.rows(0).tolist()


def test_the_shares_of_two_processes_are_the_batch_of_one(data, vocabulary):
    batches = Batches(data, QUICK, vocabulary)
    whole = batches.batch(5)
    parts = [batches.batch(5, rank, 2) for rank in (0, 1)]
    assert torch.cat([part.inputs["image"] for part in parts]).equal(whole.inputs["image"])
    captions = [part.inputs["text"][: part.size] for part in parts]
    wrong = [part.inputs["text"][part.size :] for part in parts]
    assert torch.cat([*captions, *wrong]).equal(whole.inputs["text"])


def test_the_learning_rate_rises_and_then_falls_to_nothing():
    optimiser = load_config("default").optimiser
    rates = [rate_share(optimiser, step) for step in range(optimiser.steps + 1)]
    top = rates.index(max(rates))
    assert optimiser.warmup - 1 <= top <= optimiser.warmup
    assert rates[top] == pytest.approx(1)
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(0)


@pytest.mark.parametrize("shape", [(8, 24), (24, 8), (8, 4, 3, 3)])
def test_a_step_of_muon_moves_every_direction_alike(shape):
    gradient = torch.randn(shape, generator=torch.manual_seed(0))
    gradient[0] *= 50  # one direction that would drown the others
    moved = torch.linalg.svdvals(orthogonal(gradient).reshape(shape[0], -1))
    assert moved.max() < 1.3
    assert moved.min() > 0.4


def test_muon_takes_layers_and_leaves_tables_places_and_biases_to_adamw(data, vocabulary):
    run = Run(data, QUICK, vocabulary)
    muon, adamw = (
        {id(weight) for group in optimiser.param_groups for weight in group["params"]}
        for optimiser in run.optimisers
    )
    named = {
        name: id(weight)
        for module in run.modules.values()
        for name, weight in module.named_parameters()
    }
    assert not muon & adamw
    assert muon | adamw == set(named.values())
    assert named["towers.image.stem.weight"] in muon
    left = {"towers.text.words.weight", "towers.image.place", "towers.image.out.bias", "log_scale"}
    assert {named[name] for name in left} <= adamw
