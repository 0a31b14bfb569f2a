""".env.example shows every setting with its default, and nothing that is not a setting."""

import re

import pytest

from portfolio_project.settings import Settings

PREFIX = Settings.model_config["env_prefix"]


@pytest.fixture
def example(request, monkeypatch):
    """Return the file, with no setting in the environment to get in its way."""
    for field in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{field}".upper(), raising=False)
    return request.config.rootpath / ".env.example"


def test_it_names_every_setting_and_no_other(example):
    named = re.findall(rf"^(?:# )?{PREFIX}(\w+)=", example.read_text(), re.MULTILINE)

    assert sorted(name.lower() for name in named) == sorted(Settings.model_fields)


def test_a_copy_of_it_changes_nothing(example):
    assert Settings(_env_file=example) == Settings(_env_file=None)


def test_only_what_has_no_default_is_commented_out(example):
    without = re.findall(rf"^# {PREFIX}(\w+)=$", example.read_text(), re.MULTILINE)
    defaults = Settings(_env_file=None)

    assert [name for name in without if getattr(defaults, name.lower()) is not None] == []
