"""Fixtures of this family: a small model trained once for all tests, companies, the application."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import Engine

from portfolio_project import demo, settings
from portfolio_project.policy_model import files
from portfolio_project.policy_model.model import PolicyModel
from portfolio_project.provenance import Registry
from portfolio_project.serving import load_settings
from portfolio_project.training import ingest, train
from portfolio_project.world.engine import (
    migrate,
    open_engine,
)

pytest_plugins = ["house"]
SMALL = ingest.CorpusConfig(tickets=700, traced=150)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A data folder with a small corpus and its registered, serving model. Only to be read."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "trained"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            ingest.ingest(folder / "data", SMALL)
            registry = Registry(folder / "registry")
            corpus, models = folder / "data", folder / "models"
            made = train.train(corpus, models, registry, train.TrainConfig())
            registry.promote(made.version, gate=lambda _candidate, _champion: ())
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def model(trained: Path) -> PolicyModel:
    """The small model."""
    folder = trained / "models"
    return files.load(folder / files.ARRAYS, folder / files.NAMES)


@pytest.fixture
def workspace(trained: Path, tmp_path: Path) -> Path:
    """A data folder of one's own with the registered model and the demo's company in it."""
    folder = tmp_path / "var"
    shutil.copytree(trained / "registry", folder / "registry")
    demo.found_company(load_settings(settings.Settings, data_dir=folder))
    return folder


@pytest.fixture
def make_settings(workspace: Path) -> Callable[..., settings.Settings]:
    """Settings for `workspace`, without workers and without a rate limit that bites."""

    def make(**overrides: object) -> settings.Settings:
        values = {
            "data_dir": workspace,
            "workers": 0,
            "rate_limit": "100000/second",
            "follow_seconds": 1.0,
            "log_format": "json",
            **overrides,
        }
        return load_settings(settings.Settings, **values)

    return make


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty, migrated database."""
    made = open_engine(f"sqlite:///{tmp_path / 'world.db'}")
    migrate(made)
    yield made
    made.dispose()
