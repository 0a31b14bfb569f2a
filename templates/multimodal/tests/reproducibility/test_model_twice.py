"""The same data, code and settings give the same bytes, in other processes and folders."""

import pytest

from portfolio_project import reproduction
from portfolio_project.provenance import (
    reproduction_report,
)


@pytest.mark.slow
def test_ingesting_and_training_again_gives_the_same_bytes(make_settings, tmp_path):
    settings = make_settings(data_dir=tmp_path)
    found = reproduction.reproduce_all(settings)
    assert [one.kind for one in found] == ["ingest", "train"]
    for one in found:
        assert one.same, one.differences
    report = reproduction_report.read_reproduction(settings.reports_dir)
    assert report.same
    assert len(set(report.model_sha256)) == 1
    assert not list(tmp_path.glob("reproduce-*"))
