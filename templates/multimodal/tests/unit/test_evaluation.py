"""The measures, against cases whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_project import world
from portfolio_project.data.generate import generate
from portfolio_project.evaluation.baseline import baseline_vectors
from portfolio_project.evaluation.geometry import (
    alignment,
    calibration,
    uniformity,
)
from portfolio_project.evaluation.intervals import estimate
from portfolio_project.evaluation.retrieval import (
    ranks,
    recall,
    reciprocal_rank,
)

EYE = np.eye(8, dtype=np.float32)


def unit(seed: int, n: int = 400, d: int = 16) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_partners_that_are_equal_come_first():
    assert ranks(EYE, EYE).tolist() == [0] * 8


def test_a_model_that_gives_everything_the_same_vector_finds_nothing():
    same = np.ones((8, 4), np.float32) / 2
    assert ranks(same, same).tolist() == [7] * 8


@given(st.integers(0, 7))
def test_the_rank_counts_those_that_come_before(before):
    query = np.zeros((1, 8), np.float32)
    query[0] = np.arange(8)
    gallery = np.roll(EYE, before + 1, axis=1)[:8]
    assert ranks(query, gallery[:1]).tolist() == [0]
    order = EYE[[7 - before, *(i for i in range(8) if i != 7 - before)]]
    assert ranks(query, order).tolist() == [before]


def test_recall_and_reciprocal_rank():
    found = np.array([0, 1, 4, 9])
    assert recall(found, 1) == 0.25
    assert recall(found, 5) == 0.75
    assert reciprocal_rank(found) == pytest.approx((1 + 1 / 2 + 1 / 5 + 1 / 10) / 4)


def test_an_interval_holds_its_mean_and_narrows_with_more_queries():
    few, many = (estimate(np.arange(n) % 4 == 0) for n in (100, 10_000))
    assert few.low < few.value == 0.25 < few.high
    assert many.high - many.low < (few.high - few.low) / 5
    assert estimate([True] * 5).as_dict() == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_scores_that_are_sure_and_right_are_calibrated():
    assert calibration(EYE, EYE, 50.0).error == pytest.approx(0, abs=1e-6)


def test_scores_that_are_sure_and_wrong_are_not():
    assert calibration(EYE, np.roll(EYE, 1, axis=0), 50.0).error == pytest.approx(1, abs=1e-6)


def test_alignment_and_uniformity():
    vectors = unit(0)
    assert alignment(vectors, vectors) == 0
    assert alignment(vectors, -vectors) == pytest.approx(4, abs=1e-5)
    assert uniformity(np.ones((10, 4), np.float32) / 2) == pytest.approx(0, abs=1e-6)
    assert uniformity(vectors) < -2.5


def test_the_baseline_finds_more_than_chance_and_far_from_all():
    train, test = generate(0, "train", 400), generate(0, "test", 100)
    found = ranks(*baseline_vectors(train, test))
    assert 0.05 < recall(found, 1) < 0.9
    assert len(world.KINDS) == len(test.negatives[0])
