"""Fixtures of this family: data and a tiny model made once for all tests, and its application."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import throwaway_postgres
from filelock import FileLock

from portfolio_project import config, indexing, ingest, train
from portfolio_project.index import EmbeddedIndex
from portfolio_project.provenance import Registry
from portfolio_project.serving import load_settings
from portfolio_project.settings import Settings

pytest_plugins = ["house"]

# Torch in one worker must not spin on the core that the other one needs.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
# Where Schemathesis finds pictures and sounds to send; see tests/media_for_schemathesis.py.
os.environ["SCHEMATHESIS_HOOKS"] = "media_for_schemathesis"
os.environ["PYTHONPATH"] = str(Path(__file__).parent)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a little world, a registered model and an index. Only to be read."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "trained"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            tiny = config.load_config("tiny")
            ingest.ingest_world(tiny, folder / "data")
            registry = Registry(folder / "registry")
            train.train(folder / "data", folder / "models", registry, tiny)
            index = EmbeddedIndex(folder / "index")
            settings = load_settings(Settings, data_dir=folder)
            indexing.build(settings, index, ["test"], 0)
            index.close()
            (folder / "done").touch()
    return folder


@pytest.fixture
def workspace(trained: Path, tmp_path: Path) -> Path:
    """A data folder of one's own, with the data, the registry and the index in it."""
    folder = tmp_path / "var"
    for name in ("registry", "models", "data", "index"):
        shutil.copytree(trained / name, folder / name)
    return folder


@pytest.fixture
def make_settings(workspace: Path) -> Callable[..., Settings]:
    """Settings for `workspace`, without a rate limit that bites."""

    def make(**overrides: object) -> Settings:
        values = {
            "data_dir": workspace,
            "rate_limit": "100000/second",
            "log_format": "json",
            **overrides,
        }
        return load_settings(Settings, **values)

    return make


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server with pgvector."""
    try:
        with throwaway_postgres.server("vector") as url:
            yield url
    except throwaway_postgres.NoPostgresError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database."""
    with throwaway_postgres.database(postgres_server) as url:
        yield url
