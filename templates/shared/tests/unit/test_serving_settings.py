"""Settings: read from the environment and .env; a bad one stops the start with one clear line."""

import pytest
from house import PEPPER

from portfolio_project.serving import (
    BadSettings,
    ServingSettings,
    load_settings,
)
from portfolio_project.serving import settings as module
from portfolio_project.serving.keys import mint_key
from portfolio_project.serving.settings import PREFIX, is_loopback

SECRET = "hunter2-hunter2"


def lines(**overrides) -> list[str]:
    with pytest.raises(BadSettings) as caught:
        load_settings(ServingSettings, **overrides)
    return caught.value.lines


def test_environment_wins_over_the_env_file(monkeypatch):
    module.ENV_FILE.write_text(f"{PREFIX}PORT=8001\n{PREFIX}MAX_STREAMS=3\nOTHER=1\n")
    monkeypatch.setenv(f"{PREFIX}PORT", "8002")
    settings = load_settings(ServingSettings)
    assert (settings.port, settings.max_streams) == (8002, 3)


def test_a_bad_value_is_one_line_that_names_the_variable_and_never_the_value(monkeypatch):
    monkeypatch.setenv(f"{PREFIX}PORT", SECRET)
    (line,) = lines()
    assert line.startswith(f"{PREFIX}PORT: input should be a valid integer")
    assert SECRET not in line


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("API_KEYS", "not json", "write it as JSON"),
        ("API_KEYS", '[{"id": "x"}]', "API_KEYS (at 0.id)"),
        ("RATE_LIMIT", "many", "RATE_LIMIT: "),
        ("RATE_LIMIT_STORAGE", "redis://h", "memory:// or async+redis://HOST:6379"),
        ("ENVIRONMENT", "staging", "'local' or 'production'"),
        ("KEY_PEPPER", "short", "needs at least 32 characters"),
        ("OTEL_SAMPLE_RATIO", "2", "less than or equal to 1"),
        ("IDEMPOTENCY_LEASE_SECONDS", "1", "a write would be repeated"),
        ("HOST", "0.0.0.0", "lets other machines in and there is no API key"),
        ("ENVIRONMENT", "production", "production serves nobody without a key"),
        ("PROT", "1", f"did you mean {PREFIX}PORT?"),
    ],
)
def test_each_mistake_says_what_to_set(monkeypatch, name, value, expected):
    monkeypatch.setenv(f"{PREFIX}{name}", value)
    found = lines()
    assert any(expected in line for line in found), found
    assert all("\n" not in line and line.startswith(PREFIX) for line in found)


def test_a_misspelt_name_in_the_env_file_is_found_too():
    module.ENV_FILE.write_text(f"{PREFIX}DATA_DRI=here\n")
    assert lines() == [
        f"{PREFIX}DATA_DRI: there is no such setting; did you mean {PREFIX}DATA_DIR?"
    ]


def test_keys_without_their_pepper_are_refused():
    _, key = mint_key(frozenset({"read"}), "ci", PEPPER.encode())
    (line,) = lines(api_keys=(key,))
    assert line.startswith(f"{PREFIX}KEY_PEPPER is not set")


def test_two_keys_with_one_id_are_refused():
    _, key = mint_key(frozenset({"read"}), "ci", PEPPER.encode())
    (line,) = lines(api_keys=(key, key), key_pepper=PEPPER)
    assert "two keys have the same id" in line


def test_production_starts_with_a_key():
    _, key = mint_key(frozenset({"read"}), "ci", PEPPER.encode())
    settings = load_settings(
        ServingSettings,
        environment="production",
        host="0.0.0.0",
        api_keys=(key,),
        key_pepper=PEPPER,
    )
    assert settings.environment == "production"
    assert PEPPER not in repr(settings)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("db", False)],
)
def test_only_loopback_addresses_are_private(host, expected):
    assert is_loopback(host) is expected
