"""A score comes apart as LightGBM itself takes it apart, and is served as LightGBM gives it."""

from math import comb

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_project.explain import LinearExplainer, TreeExplainer
from portfolio_project.trees import (
    on_single_thresholds,
    to_explainer,
    to_onnx,
)

INPUTS = 6


@pytest.fixture(scope="module")
def grown():
    """A boosted model of rows in single precision whose splits lie between close neighbours."""
    from lightgbm import LGBMClassifier  # noqa: PLC0415 - a second to import

    draw = np.random.default_rng(3)
    rows = np.round(draw.gamma(2, 3, (3_000, INPUTS)), 2).astype(np.float32)
    rows[:, 0] = np.float32(1 / 3) + draw.integers(0, 9, 3_000) * np.float32(2**-24)
    odds = (rows[:, 0] > rows[:, 0].mean()) * 2.0 + rows[:, 1] - rows[:, 2] * (rows[:, 3] > 5)
    truth = odds + draw.normal(0, 2, 3_000) > 4
    model = LGBMClassifier(n_estimators=40, n_jobs=1, random_state=0, verbose=-1)
    return model.fit(rows, truth.astype(int)), rows


def test_contributions_are_those_of_lightgbm_and_add_up_to_the_score(grown):
    model, rows = grown
    booster = on_single_thresholds(model)
    explainer = to_explainer(booster)
    theirs = booster.predict(rows[:200], pred_contrib=True)
    raw = booster.predict(rows[:200], raw_score=True)
    for row, their, score in zip(rows[:200], theirs, raw, strict=True):
        base, ours = found = explainer.explain(row)
        np.testing.assert_allclose([*ours, base], their, atol=1e-9)
        assert found.log_odds == pytest.approx(score, abs=1e-9)


def test_the_exported_graph_decides_as_lightgbm_does_at_every_threshold(grown):
    model, rows = grown
    booster = on_single_thresholds(model)
    onnx = to_onnx(booster, name="m", input_name="x", inputs=INPUTS)
    session = ort.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    explainer = to_explainer(booster)
    edges = np.repeat(rows[:1], 3 * explainer.high.size, axis=0)
    bounds = np.where(np.isfinite(explainer.high), explainer.high, 0).ravel().astype(np.float32)
    sides = (np.nextafter(bounds, np.float32(-1e9)), bounds, np.nextafter(bounds, np.float32(1e9)))
    edges[np.arange(len(edges)), np.tile(explainer.feature.ravel(), 3)] = np.concatenate(sides)
    for some in (rows, edges):
        served = session.run(None, {"x": some})[1][:, 1]
        assert np.abs(served - model.predict_proba(some)[:, 1]).max() < 1e-6


def brute_force(explainer, row):
    """Shapley values by their definition, over every set of known features."""
    passed = (explainer.low < row[explainer.feature]) & (row[explainer.feature] <= explainer.high)

    def worth(known):
        factors = np.where(np.isin(explainer.feature, known), passed, explainer.share)
        return float((explainer.value * factors.prod(axis=1)).sum())

    count = int(explainer.inputs)
    sets = [[j for j in range(count) if bits >> j & 1] for bits in range(2**count)]
    found = np.zeros(count)
    for known in sets:
        weight = 1 / (count * comb(count - 1, len(known))) if len(known) < count else 0
        for one in set(range(count)) - set(known):
            found[one] += weight * (worth([*known, one]) - worth(known))
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_contributions_are_shapley_values_by_definition(seed, depth):
    draw = np.random.default_rng(seed)
    feature = np.array([draw.permutation(4)[:depth] for _ in range(5)])
    low = draw.uniform(-1, 0.5, feature.shape)
    explainer = TreeExplainer(
        np.array(4),
        draw.normal(size=5),
        feature,
        low,
        low + draw.uniform(0, 1, feature.shape),
        draw.uniform(0.05, 1, feature.shape),
    )
    row = draw.uniform(-1, 1, 4).astype(np.float32)
    ours = explainer.explain(row).contributions
    np.testing.assert_allclose(ours, brute_force(explainer, row), atol=1e-12)


def test_a_linear_model_is_explained_from_its_mean():
    explainer = LinearExplainer(np.array([2.0, -1.0]), np.array([1.0, 1.0]), np.array(0.5))
    base, parts = found = explainer.explain(np.array([3, 5], np.float32))
    assert (base, parts.tolist()) == (1.5, [4.0, -4.0])
    assert found.log_odds == pytest.approx(0.5 + 2 * 3 - 5)
