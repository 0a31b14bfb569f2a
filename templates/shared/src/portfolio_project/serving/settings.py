"""Typed settings from the environment and .env, with one clear line for each that is wrong."""

import ipaddress
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from limits import parse_many
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from .keys import PEPPER_LENGTH, ApiKey

PREFIX = "PORTFOLIO_PROJECT_"
S = TypeVar("S", bound="ServingSettings")


class ServingSettings(BaseSettings):
    """Settings of the service. A field `port` is set by the variable `<PREFIX>PORT`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    environment: Literal["local", "production"] = "local"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535, description="0 takes any free port")
    data_dir: Path = Path("var")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"

    api_keys: tuple[ApiKey, ...] = ()
    key_pepper: SecretStr | None = None
    cors_origins: tuple[str, ...] = ()

    rate_limit: str = Field(default="600/minute", description="for each caller, e.g. 10/second")
    rate_limit_storage: str = Field(default="async+memory://", description="or async+redis://...")
    max_body_bytes: int = Field(default=1_000_000, ge=0)
    request_timeout_seconds: float = Field(default=30.0, gt=0)
    max_concurrency: int = Field(default=64, ge=1)
    max_streams: int = Field(default=64, ge=0)

    idempotency_ttl_seconds: float = Field(default=86_400.0, gt=0)
    idempotency_lease_seconds: float = Field(default=60.0, gt=0)

    drain_pause_seconds: float = Field(default=0.0, ge=0, description="not ready, still serving")
    drain_timeout_seconds: float = Field(default=30.0, gt=0)

    otel_enabled: bool = False
    otel_endpoint: str = "http://127.0.0.1:4318"
    otel_sample_ratio: float = Field(default=1.0, ge=0, le=1)

    @field_validator("rate_limit")
    @classmethod
    def _rate_limit_is_readable(cls, value: str) -> str:
        if len(parse_many(value)) != 1:
            msg = "give one limit, such as 600/minute"
            raise ValueError(msg)
        return value

    @field_validator("api_keys")
    @classmethod
    def _key_ids_differ(cls, value: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
        if len({key.id for key in value}) < len(value):
            msg = "two keys have the same id"
            raise ValueError(msg)
        return value

    @field_validator("key_pepper")
    @classmethod
    def _pepper_is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < PEPPER_LENGTH:
            msg = f"needs at least {PEPPER_LENGTH} characters"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _doors_are_locked(self) -> Self:
        if self.api_keys and self.key_pepper is None:
            msg = f"{PREFIX}KEY_PEPPER is missing: the keys in {PREFIX}API_KEYS were made with one"
            raise ValueError(msg)
        if self.api_keys:
            return self
        remedy = f"make a key with `keys new` and set {PREFIX}API_KEYS and {PREFIX}KEY_PEPPER"
        if self.environment == "production":
            msg = f"{PREFIX}API_KEYS is empty: production serves nobody without a key; {remedy}"
            raise ValueError(msg)
        if not is_loopback(self.host):
            msg = (
                f"{PREFIX}HOST is open to other machines and there are no API keys: {remedy}, "
                f"or set {PREFIX}HOST=127.0.0.1"
            )
            raise ValueError(msg)
        return self

    @property
    def pepper(self) -> bytes:
        """The secret under which keys are digested and cursors are signed."""
        return self.key_pepper.get_secret_value().encode() if self.key_pepper else b""


class BadSettings(Exception):
    """Settings that a service can't start with; `lines` say what to set, one line each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


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

    Raises BadSettings, which never quotes a value: a value may be a secret.
    """
    try:
        return cls(**overrides)
    except ValidationError as error:
        raise BadSettings([_line(cls, e) for e in error.errors(include_input=False)]) from None
    except SettingsError as error:
        field = str(error).split('"')[1] if '"' in str(error) else "?"
        line = f"{PREFIX}{field.upper()}: is not valid JSON; write a list, such as []"
        raise BadSettings([line]) from None


def _line(cls: type[ServingSettings], error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return message
    name, *inside = error["loc"]
    where = f" (at {'.'.join(map(str, inside))})" if inside else ""
    field = cls.model_fields.get(str(name))
    hint = f"; {field.description}" if field and field.description else ""
    return f"{PREFIX}{str(name).upper()}{where}: {message[:1].lower()}{message[1:]}{hint}"
