"""A model serves only if it beats doing without one, and is not behind the one that serves."""

import pytest

from portfolio_project.provenance import (
    GateRefusedError,
    Registry,
)
from portfolio_project.train import GATE


@pytest.fixture
def offer(workspace):
    """Register the serving model again with other metrics, and ask for its promotion."""
    registry = Registry(workspace / "registry")
    serving = registry.current()
    files = {name: serving.path(name) for name in serving.files}

    def offer_with(**changes):
        metrics = {**serving.manifest.metrics, **changes}
        manifest = serving.manifest.model_copy(update={"metrics": metrics, "seed": 1})
        version = registry.register(files, manifest)
        return version, lambda: registry.promote(version, gate=GATE).id

    return offer_with, serving.manifest.metrics


def test_a_model_that_a_simple_rule_beats_does_not_serve(offer):
    offer_with, _ = offer
    _, promote = offer_with(lift_over_rule=-0.001)
    with pytest.raises(GateRefusedError, match="lift_over_rule"):
        promote()


def test_a_model_that_falls_behind_the_serving_one_does_not_serve(offer):
    offer_with, served = offer
    _, promote = offer_with(average_precision=served["average_precision"] - 0.03)
    with pytest.raises(GateRefusedError, match="champion"):
        promote()


def test_a_model_that_keeps_up_serves(offer):
    offer_with, served = offer
    version, promote = offer_with(average_precision=served["average_precision"] - 0.01)
    assert promote() == version
