"""The evaluation's words are not the training's, and the file in the package is what seeds give."""

import re

from portfolio_project.evaluation import dataset
from portfolio_project.tickets.corpus import SEEDS
from portfolio_project.tickets.phrasing import phrases


def words(text):
    return re.sub(r"[^a-z{}]+", " ", text.lower()).split()


def runs(bank, size):
    told = [t for part in ("requests", "missing") for ts in bank[part].values() for t in ts]
    return {tuple(w[i : i + size]) for w in map(words, told) for i in range(len(w) - size + 1)}


def test_no_held_out_request_stands_in_training():
    held, training = phrases("held_out"), phrases("training")

    shared = {tuple(words(t)) for ts in held["requests"].values() for t in ts} & {
        tuple(words(t)) for ts in training["requests"].values() for t in ts
    }
    assert shared == set()


def test_held_out_and_training_share_few_runs_of_six_words():
    held, training = runs(phrases("held_out"), 6), runs(phrases("training"), 6)

    assert len(held & training) / len(held) < 0.02


def test_injections_of_the_evaluation_are_its_own():
    assert not set(phrases("adversarial")["injections"]) & set(
        phrases("training")["asides"]["injections"]
    )


def test_the_data_set_has_its_sizes_and_seeds_apart_from_training():
    cases = dataset.load()

    counts = {s: sum(c.split == s for c in cases) for s in dataset.SPLITS}
    assert counts == dataset.SIZES
    assert sum(counts.values()) >= 400
    assert len({c.id for c in cases}) == len(cases)
    assert min(c.task.seed for c in cases) >= SEEDS["evaluation"]
