"""Fixtures of this family."""

from collections.abc import Iterator

import pytest
import throwaway_postgres

pytest_plugins = ["house"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server with pgvector."""
    try:
        with throwaway_postgres.server() as url:
            yield url
    except throwaway_postgres.NoPostgresError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database."""
    with throwaway_postgres.database(postgres_server) as url:
        yield url
