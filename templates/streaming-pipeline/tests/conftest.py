"""Fixtures of this family: a pipeline trained once for all tests, and its application."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from portfolio_project import ingest, profiles, settings, train
from portfolio_project.provenance import Registry
from portfolio_project.serving import load_settings

pytest_plugins = ["house"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an ingested little world and its registered models. Only to be read."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "trained"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            profile = profiles.PROFILES["tiny"]
            ingest.ingest_world(profile.world, folder / "data")
            registry = Registry(folder / "registry")
            train.train(folder / "data", folder / "models", registry, profile.training)
            (folder / "done").touch()
    return folder


@pytest.fixture
def workspace(trained: Path, tmp_path: Path) -> Path:
    """A data folder of one's own, with the registry and the models in it."""
    folder = tmp_path / "var"
    for name in ("registry", "models", "data"):
        shutil.copytree(trained / name, folder / name)
    return folder


@pytest.fixture
def make_settings(workspace: Path) -> Callable[..., settings.Settings]:
    """Settings for `workspace`, with a virtual clock and without a rate limit that bites."""

    def make(**overrides: object) -> settings.Settings:
        values = {
            "data_dir": workspace,
            "clock": "stream",
            "rate_limit": "100000/second",
            "feed_seconds": 1.0,
            "log_format": "json",
            **overrides,
        }
        return load_settings(settings.Settings, **values)

    return make
