"""API keys: minted at random, kept as a digest, expiring, printed once by the command."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from house import PEPPER
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from portfolio_project.serving.keys import (
    digest_key,
    key_id,
    mint_key,
)
from portfolio_project.serving.keys_cli import keys_app
from portfolio_project.serving.settings import PREFIX

READ = frozenset({"read"})


@settings(max_examples=30)
@given(owner=st.from_regex(r"[A-Za-z0-9._@-]{1,64}", fullmatch=True))
def test_the_record_knows_the_secret_only_by_its_digest(owner):
    secret, key = mint_key(READ, owner, PEPPER.encode())
    assert key_id(secret) == key.id
    assert digest_key(secret, PEPPER.encode()) == key.digest
    assert secret not in key.model_dump_json()
    assert digest_key(secret, b"another pepper" * 3) != key.digest


@given(st.text(max_size=90))
def test_only_the_form_of_a_key_has_an_id(text):
    assert key_id(text) is None


def test_keys_differ():
    assert len({mint_key(READ, "ci", PEPPER.encode())[0] for _ in range(50)}) == 50


def test_an_expired_key_is_not_active():
    now = datetime(2030, 1, 1, tzinfo=UTC)
    _, key = mint_key(READ, "ci", PEPPER.encode(), expires=now)
    assert key.active(now - timedelta(seconds=1))
    assert not key.active(now)


def test_what_is_malformed_is_refused():
    with pytest.raises(ValidationError):
        mint_key(frozenset({"Bad Scope"}), "ci", PEPPER.encode())
    with pytest.raises(ValidationError):
        mint_key(READ, "two words", PEPPER.encode())
    with pytest.raises(ValueError, match="at least 32 bytes"):
        mint_key(READ, "ci", b"short")


def run(*arguments: str, **environment: str):
    return CliRunner().invoke(keys_app, ["new", *arguments], env=environment)


def values(output: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in output.splitlines() if line.startswith(PREFIX))
    return {name.removeprefix(PREFIX): value.strip("'") for name, value in pairs}


def test_the_command_prints_what_to_set_and_the_next_one_keeps_it():
    first = run("--scopes", "write,read", "--owner", "ci", "--days", "90")
    assert first.exit_code == 0, first.output
    settings = values(first.stdout)
    (record,) = json.loads(settings["API_KEYS"])
    secret = first.stdout.splitlines()[0]
    assert digest_key(secret, settings["KEY_PEPPER"].encode()) == record["digest"]
    assert record["scopes"] == ["read", "write"]

    # Even where the service itself would refuse to start for want of a key.
    environment = {PREFIX + name: value for name, value in settings.items()}
    second = run(
        "--scopes", "*", "--owner", "ci", **environment, **{PREFIX + "ENVIRONMENT": "production"}
    )
    after = values(second.stdout)
    assert "KEY_PEPPER" not in after
    kept, added = json.loads(after["API_KEYS"])
    assert kept == record
    assert added["scopes"] == ["*"]


@pytest.mark.parametrize(
    ("scopes", "owner", "option"), [("Bad Scope", "ci", "--scopes"), ("read", "a b", "--owner")]
)
def test_the_command_names_the_option_that_is_wrong(scopes, owner, option):
    result = run("--scopes", scopes, "--owner", owner)
    assert result.exit_code == 2
    assert result.stderr.startswith(option)
    assert len(result.stderr.splitlines()) == 1
