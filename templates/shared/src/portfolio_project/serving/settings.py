"""Typed settings from the environment and .env, with one clear line for each that is wrong."""

import difflib
import ipaddress
import os
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from dotenv import dotenv_values
from limits import parse_many
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from .keys import PEPPER_LENGTH, ApiKey

PREFIX = "PORTFOLIO_PROJECT_"
ENV_FILE = Path(".env")
S = TypeVar("S", bound="KeySettings")


class BadSettings(Exception):
    """Settings that a service can't start with; `lines` say what to set, one line each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class KeySettings(BaseSettings):
    """What the service knows of its API keys. A field `x` is set by the variable `<PREFIX>X`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    api_keys: tuple[ApiKey, ...] = Field(default=(), description="`keys new` prints the line")
    key_pepper: SecretStr | None = Field(default=None, description="`keys new` prints one")

    @field_validator("api_keys")
    @classmethod
    def _key_ids_differ(cls, value: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
        if len({key.id for key in value}) < len(value):
            raise ValueError("two keys have the same id")
        return value

    @field_validator("key_pepper")
    @classmethod
    def _pepper_is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < PEPPER_LENGTH:
            raise ValueError(f"needs at least {PEPPER_LENGTH} characters")
        return value

    @property
    def pepper(self) -> bytes:
        """The secret under which keys are digested and cursors are signed."""
        return self.key_pepper.get_secret_value().encode() if self.key_pepper else b""


class ServingSettings(KeySettings):
    """Settings of the service. A family adds its own in a subclass."""

    environment: Literal["local", "production"] = "local"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535, description="0 takes any free port")
    data_dir: Path = Path("var")
    reviewed_branch: str = Field(
        default="",
        description="a model serves only if its code, lock and settings are on this branch, such "
        "as origin/main; empty: whatever they are",
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    cors_origins: tuple[str, ...] = Field(default=(), description='["https://app.example"]')

    rate_limit: str = Field(default="1200/minute", description="for each caller, as 10/second")
    rate_limit_storage: str = Field(
        default="memory://",
        pattern=r"^(memory://$|async\+)",
        description="memory:// or async+redis://HOST:6379",
    )
    max_body_bytes: int = Field(default=1_000_000, ge=0)
    request_timeout_seconds: float = Field(default=30.0, gt=0)
    max_concurrency: int = Field(default=64, ge=1)
    max_streams: int = Field(default=64, ge=0, description="event streams open at once")

    idempotency_ttl_seconds: float = Field(default=86_400.0, gt=0)
    idempotency_lease_seconds: float = Field(default=60.0, gt=0)

    drain_pause_seconds: float = Field(default=0.0, ge=0, description="not ready, still serving")
    drain_timeout_seconds: int = Field(default=30, ge=1)

    otel_enabled: bool = False
    otel_endpoint: str = Field(
        default="http://127.0.0.1:4318", pattern=r"^https?://", description="an OTLP/HTTP collector"
    )
    otel_sample_ratio: float = Field(default=1.0, ge=0, le=1)

    @field_validator("rate_limit")
    @classmethod
    def _rate_limit_is_readable(cls, value: str) -> str:
        if len(parse_many(value)) != 1:
            raise ValueError("give one limit, such as 600/minute")
        return value

    @model_validator(mode="after")
    def _doors_are_locked(self) -> Self:
        if self.idempotency_lease_seconds < self.request_timeout_seconds:
            raise ValueError(
                f"{PREFIX}IDEMPOTENCY_LEASE_SECONDS is under {PREFIX}REQUEST_TIMEOUT_SECONDS: "
                "a write would be repeated while it still runs; set it higher"
            )
        if self.api_keys and self.key_pepper is None:
            raise ValueError(
                f"{PREFIX}KEY_PEPPER is not set: set the one that the keys in "
                f"{PREFIX}API_KEYS were made with"
            )
        if self.api_keys:
            return self
        remedy = f"make one with `keys new`, which says what to set in {PREFIX}API_KEYS"
        if self.environment == "production":
            raise ValueError(
                f"{PREFIX}API_KEYS is not set: production serves nobody without a key; {remedy}"
            )
        if not is_loopback(self.host):
            raise ValueError(
                f"{PREFIX}HOST lets other machines in and there is no API key: {remedy}, "
                f"or set {PREFIX}HOST=127.0.0.1"
            )
        return self


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load_settings(cls: type[S], **overrides: Any) -> S:
    """Read settings of class `cls`; `overrides` win over the environment and .env.

    Raises BadSettings, which never quotes a value, for a value may be a secret.
    """
    if lines := _misspelt(cls):
        raise BadSettings(lines)
    options: dict[str, Any] = {"_env_file": ENV_FILE, **overrides}
    try:
        return cls(**options)
    except ValidationError as error:
        raise BadSettings([_line(cls, e) for e in error.errors(include_input=False)]) from None
    except SettingsError as error:
        name = next((n for n in cls.model_fields if f'"{n}"' in str(error)), "?")
        raise BadSettings([f"{PREFIX}{name.upper()}: write it as JSON, such as []"]) from None


def _misspelt(cls: type[KeySettings]) -> list[str]:
    """Find variables that are no setting but look much like one. Others may share the prefix."""
    known = [name.upper() for name in ServingSettings.model_fields | cls.model_fields]
    given = os.environ.keys() | dotenv_values(ENV_FILE).keys()
    ours = {name.removeprefix(PREFIX) for name in given if name.startswith(PREFIX)}
    # Compared without the prefix: the longer it is, the more alike it would make any two names.
    return [
        f"{PREFIX}{name}: there is no such setting; did you mean {PREFIX}{near[0]}?"
        for name in sorted(ours.difference(known))
        if (near := difflib.get_close_matches(name, known, n=1, cutoff=0.75))
    ]


def _line(cls: type[KeySettings], error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return message
    name, *inside = error["loc"]
    where = f" (at {'.'.join(map(str, inside))})" if inside else ""
    field = cls.model_fields.get(str(name))
    hint = f"; {field.description}" if field and field.description else ""
    return f"{PREFIX}{str(name).upper()}{where}: {message[:1].lower()}{message[1:]}{hint}"
