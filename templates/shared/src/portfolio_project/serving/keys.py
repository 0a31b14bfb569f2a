"""API keys: minted once, shown once, and kept only as a peppered digest."""

import hmac
import re
import secrets
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_serializer,
)

_FORM = re.compile(r"sk_(?P<id>[0-9a-f]{8})_(?P<secret>[0-9a-f]{64})").fullmatch
PEPPER_LENGTH = 32

ScopeName = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z][a-z0-9:_-]{0,63})$")]


class ApiKey(BaseModel):
    """What the service knows of a key. Two active keys of one owner make a rotation possible."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
    owner: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
    scopes: frozenset[ScopeName] = Field(min_length=1)
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    expires: AwareDatetime | None = None

    @field_serializer("scopes")
    def _in_order(self, scopes: frozenset[str]) -> list[str]:
        """A set has no order of its own: equal keys are printed alike."""
        return sorted(scopes)

    def active(self, now: datetime | None = None) -> bool:
        """Say whether the key still opens anything at `now` (default: the present)."""
        return self.expires is None or (now or datetime.now(UTC)) < self.expires


def digest_key(secret_key: str, pepper: bytes) -> str:
    """Return the hexadecimal HMAC-SHA256 of a key under the service's pepper.

    A key holds 256 random bits, so a fast digest is as safe as a slow one, and costs 2 us.
    """
    return hmac.digest(pepper, secret_key.encode(), "sha256").hex()


def key_id(secret_key: str) -> str | None:
    """Return the public id within a key, or None where it has not the form of a key."""
    form = _FORM(secret_key)
    return form["id"] if form else None


def mint_key(
    scopes: frozenset[str], owner: str, pepper: bytes, expires: datetime | None = None
) -> tuple[str, ApiKey]:
    """Make a key: the secret to hand to `owner` (never stored), and the record to configure.

    Raises ValueError where the pepper is too short, or a scope or the owner is malformed.
    """
    if len(pepper) < PEPPER_LENGTH:
        raise ValueError(f"the pepper needs at least {PEPPER_LENGTH} bytes")
    public = secrets.token_hex(4)
    secret_key = f"sk_{public}_{secrets.token_hex(32)}"
    digest = digest_key(secret_key, pepper)
    key = ApiKey(id=public, owner=owner, scopes=scopes, digest=digest, expires=expires)
    return secret_key, key


def new_pepper() -> str:
    """Return a fresh pepper: 64 hexadecimal characters."""
    return secrets.token_hex(PEPPER_LENGTH)
