import numpy as np
import onnxruntime as ort
import pytest

from portfolio_project.linear import logistic_graph

WEIGHTS = np.random.default_rng(3).normal(size=19).round(6)


@pytest.fixture(scope="module")
def score():
    session = ort.InferenceSession(
        logistic_graph(WEIGHTS, -3.0, name="g", input_name="features"),
        providers=["CPUExecutionProvider"],
    )
    return lambda rows: session.run(["probabilities"], {"features": rows})[0][:, 1]


ROWS = (np.random.default_rng(4).random((501, 19)) * 20).astype(np.float32)


def test_the_graph_is_the_logistic_function(score):
    expected = 1 / (1 + np.exp(-(ROWS.astype(np.float64) @ WEIGHTS - 3)))
    assert np.abs(score(ROWS) - expected).max() < 1e-7


@pytest.mark.parametrize("size", [1, 2, 7, 50, 501])
def test_a_score_does_not_depend_on_its_batch(score, size):
    parts = [score(ROWS[start : start + size]) for start in range(0, len(ROWS), size)]
    assert np.concatenate(parts).tobytes() == score(ROWS).tobytes()
