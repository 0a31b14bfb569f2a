"""How towers that others trained are trained on: what is kept, what moves, and how fast."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import toy_towers
from toy_towers import MERGES, Ear, Eye, config_of, lend, training_of

from portfolio_project import fitting
from portfolio_project.byte_pairs import BytePairs
from portfolio_project.data.dataset import read_split
from portfolio_project.model import Towers
from portfolio_project.training.muon import Muon
from portfolio_project.training.trainer import Run, fit
from portfolio_project.vocabulary import Vocabulary


@pytest.fixture
def toys(monkeypatch):
    lend(monkeypatch)


def same(first, second):
    """Whether two trainings came to the same losses and weights, to the last bit."""
    pairs = ((first.towers, second.towers), (first.head, second.head))
    return first.losses == second.losses and all(
        value.equal(two.state_dict()[name])
        for one, two in pairs
        for name, value in one.state_dict().items()
    )


def rows_seen(monkeypatch, network):
    """How many inputs go through a trunk from now on, call by call."""
    seen: list[int] = []
    through = network.forward

    def counted(self, given):
        seen.append(len(given))
        return through(self, given)

    monkeypatch.setattr(network, "forward", counted)
    return seen


def test_a_trunk_that_is_finetuned_moves_and_its_statistics_do_not(toys, trained):
    fitted = fit(*training_of(trained / "data", finetune=True), until=4)
    before, after = Eye().state_dict(), fitted.towers.towers["image"].trunk.state_dict()
    assert not torch.equal(after["see.weight"], before["see.weight"])
    for name in ("settle.running_mean", "settle.running_var"):
        assert torch.equal(after[name], before[name])


@pytest.mark.parametrize("matrix_rate", [0.02, 0.0])
def test_a_trunk_that_is_finetuned_has_a_small_rate_of_its_own(toys, trained, matrix_rate):
    data = read_split(trained / "data" / "train")
    config = config_of({"matrix_rate": matrix_rate}, image_tower="toy:eye", finetune=True)
    vocabulary = Vocabulary.of(data.captions)
    torch.manual_seed(config.seed)
    start = Towers(config.model, len(vocabulary), vocabulary.length).towers["image"].out.weight
    tower = fit(data, config, vocabulary, until=4).towers.towers["image"]
    rate = config.optimiser.trunk_rate
    assert 0 < (tower.trunk.see.weight - Eye().see.weight).abs().max() <= 4 * rate
    assert (tower.out.weight - start).abs().max() > 100 * rate


def test_muon_takes_the_projection_and_never_the_trunk(toys, trained):
    run = Run(*training_of(trained / "data", finetune=True))
    (muon,) = (one for one in run.optimisers if isinstance(one, Muon))
    taken = {id(weight) for group in muon.param_groups for weight in group["params"]}
    for tower in run.towers.towers.values():
        assert id(tower.out.weight) in taken
        assert not {id(weight) for weight in tower.trunk.parameters()} & taken


@pytest.mark.parametrize(("tower", "network"), [("image_tower", Eye), ("text_tower", Ear)])
def test_a_frozen_trunk_looks_at_each_input_once(toys, trained, monkeypatch, tower, network):
    data = read_split(trained / "data" / "train")
    config = config_of(**{tower: "toy:one"})
    vocabulary = (
        Vocabulary.of(data.captions) if network is Eye else BytePairs.fitted(MERGES, [], 77)
    )
    texts = [*data.captions, *(text for row in data.negatives for text in row)]
    distinct = len(np.unique(vocabulary.encode(texts), axis=0))
    seen = rows_seen(monkeypatch, network)
    told: list[tuple[str, int, int]] = []
    fit(data, config, vocabulary, looked=lambda *one: told.append(one))
    count = len(data) if network is Eye else distinct
    assert sum(seen) == 1 + count  # one more tells how wide the features are
    assert told[-1] == (tower.partition("_")[0], count, count)


def test_features_that_are_kept_train_as_a_trunk_that_looks_in_each_step(toys, trained):
    """A training too short to see a sample twice keeps none: its first step looks anew."""
    data = read_split(trained / "data" / "train")
    samples = config_of().optimiser.batch
    short = {"steps": len(data) // samples, "hard_negatives": 0}
    _, short_config, vocabulary = training_of(trained / "data", optimiser=short)
    long_config = config_of({"hard_negatives": 0}, **short_config.model.model_dump())
    told: list[tuple[str, int, int]] = []
    fresh = fit(data, short_config, vocabulary, until=3, looked=lambda *one: told.append(one))
    assert {modality for modality, _, _ in told} <= {"text"}  # of which some come again
    kept = fit(data, long_config, vocabulary, until=3)
    assert kept.losses == pytest.approx(fresh.losses, rel=1e-5)


def test_a_batch_in_pieces_trains_on_kept_features_as_the_whole_does(toys, trained):
    whole, pieces = (
        fit(*training_of(trained / "data", optimiser={"chunk": chunk}), until=3) for chunk in (0, 6)
    )
    assert pieces.losses == pytest.approx(whole.losses, rel=1e-4)


def test_whoever_watches_is_told_what_a_trunk_looks_at(toys, trained, tmp_path):
    told: list[tuple[str, int, int]] = []
    fitting.produce(
        trained / "data",
        tmp_path / "model",
        config_of({"steps": 10}, image_tower="toy:eye"),
        lambda *one: told.append(one),
    )
    looking = [one for one in told if one[0] == "looking at image"]
    assert looking == told[: len(looking)]
    assert [done for _, done, _ in looking] == [64, 128, 192, 256]
    assert all(what.startswith("loss ") for what, _, _ in told[len(looking) :])


@pytest.mark.parametrize("finetune", [False, True])
def test_a_training_on_trunks_goes_on_where_it_was_stopped(toys, trained, tmp_path, finetune):
    training = training_of(trained / "data", finetune=finetune)
    whole = fit(*training)
    fit(*training, checkpoints=tmp_path, until=10)
    assert same(fit(*training, checkpoints=tmp_path), whole)


def test_two_trainings_and_one_that_was_killed_come_to_the_same_bits(toys, trained, tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[3]); import toy_towers\n"
        "from portfolio_project.training.trainer import fit\n"
        "for loaders, loader in toy_towers.TOYS: loaders['toy'] = loader\n"
        "end = lambda done, *_: done < 8 or os.kill(os.getpid(), signal.SIGKILL)\n"
        "training = toy_towers.training_of(Path(sys.argv[1]))\n"
        "fit(*training, checkpoints=Path(sys.argv[2]), every=5, told=end)"
    )
    folders = [trained / "data", tmp_path, Path(toy_towers.__file__).parent]
    command = [sys.executable, "-c", code, *map(str, folders)]
    killed = subprocess.run(command, check=False, capture_output=True, timeout=100)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    training = training_of(trained / "data")
    seen: list[int] = []
    resumed = fit(*training, checkpoints=tmp_path, told=lambda done, *_: seen.append(done))
    assert seen[0] == 6
    whole, again = fit(*training), fit(*training)
    assert same(whole, again)
    assert same(whole, resumed)
