"""What lets a model serve."""

from types import SimpleNamespace

from portfolio_project.train import gate


def version(lift, recall, data="a"):
    metrics = {"lift_over_chance": lift, "validation_recall_at_1": recall}
    return SimpleNamespace(manifest=SimpleNamespace(metrics=metrics, inputs={"images": data}))


def test_a_first_model_must_find_more_than_chance():
    assert not gate(version(0.3, 0.1), None)
    (reason,) = gate(version(-0.01, 0.0), None)
    assert "lift_over_chance" in reason


def test_on_the_same_data_a_model_may_not_fall_behind():
    serving = version(0.5, 0.90)
    assert not gate(version(0.5, 0.89), serving)
    (reason,) = gate(version(0.5, 0.70), serving)
    assert "champion" in reason


def test_models_of_other_data_are_not_compared():
    assert not gate(version(0.5, 0.2, data="b"), version(0.5, 0.9))
