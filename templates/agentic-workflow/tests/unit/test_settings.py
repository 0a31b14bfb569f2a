"""What the desk's settings make of what a person writes."""

import pytest

from portfolio_project.serving import load_settings
from portfolio_project.settings import Settings


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_url_of_postgresql_need_not_name_the_driver(scheme):
    chosen = load_settings(Settings, database_url=f"{scheme}://desk@db:5432/desk")
    assert chosen.world_url == "postgresql+psycopg://desk@db:5432/desk"
    assert chosen.workflows_url == chosen.world_url
