"""The same data gives the same bytes, in other processes and folders."""

import pytest

from portfolio_project import fingerprint, reproduction, scorer
from portfolio_project.provenance import (
    Registry,
    reproduction_report,
)


@pytest.mark.slow
def test_ingesting_and_training_again_gives_the_same_bytes(make_settings):
    settings = make_settings()
    found = reproduction.reproduce_all(settings)
    assert [one.kind for one in found] == ["ingest", "train", "train"]
    for one in found:
        assert one.same, one.differences
    report = reproduction_report.read_reproduction(settings.reports_dir)
    assert report.same
    assert len(set(report.model_sha256)) == 1
    assert reproduction.is_current(settings)
    assert not list(settings.data_dir.glob("reproduce-*"))


def test_a_model_for_other_features_is_refused(trained):
    registry = Registry(trained / "registry")
    version = registry.current()
    spec = scorer.ModelSpec.model_validate_json(version.read("model.json"))
    model = version.read("model.onnx")
    for change, said in (
        ({"features": spec.features[::-1]}, "trained on other features"),
        ({"features": spec.features[:-1]}, spec.features[-1]),
        ({"fingerprint": "0" * 64}, "computed differently"),
    ):
        with pytest.raises(scorer.ModelMismatchError, match=said):
            scorer.Scorer(model, spec.model_copy(update=change), "v")
    assert spec.fingerprint == fingerprint.fingerprint()
