"""Who calls is read once from the API key; a route names the scope that it wants."""

import hmac
from collections.abc import Iterable
from typing import Any

from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from .exchange import Exchange, current_exchange
from .keys import ApiKey, digest_key, key_id
from .principal import ANONYMOUS, Principal
from .problems import Problem

_NOBODY = "0" * 64


class Authenticator:
    """Finds the principal behind a bearer key. Without any key, everybody is anonymous."""

    def __init__(self, keys: Iterable[ApiKey], pepper: bytes) -> None:
        self._pepper = pepper
        self._keys = {key.id: (key, Principal(key.owner, key.scopes)) for key in keys}

    def identify(self, exchange: Exchange) -> Principal | None:
        """Return the caller, or None where the key is missing, malformed, unknown or expired."""
        if not self._keys:
            return ANONYMOUS
        scheme, _, token = exchange.headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        secret_key = token.decode("latin-1").strip()
        public = key_id(secret_key)
        if public is None:
            return None
        known = self._keys.get(public)
        # The digest is computed and compared for an unknown id too, so that time tells nothing.
        expected = known[0].digest if known else _NOBODY
        same = hmac.compare_digest(digest_key(secret_key, self._pepper), expected)
        if known is None or not same or not known[0].active():
            return None
        return known[1]


class require_scope(SecurityBase):  # noqa: N801 - reads as a verb where it is used
    """Dependency: the calling `Principal`, if it holds `scope`.

    `caller: Annotated[Principal, Depends(require_scope("score"))]`. Answers 401 to a caller
    without a valid key and 403 to one whose key lacks the scope.
    """

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.model: Any = HTTPBearerModel(description="An API key: `Authorization: Bearer sk_...`")
        self.scheme_name = "ApiKey"

    async def __call__(self, request: Request) -> Principal:  # noqa: ARG002 - FastAPI's protocol
        """Return the caller or raise a Problem."""
        exchange = current_exchange.get()
        principal = exchange.principal if exchange else None
        if principal is None:
            raise Problem(
                401,
                detail="Send a valid API key as `Authorization: Bearer sk_...`.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if not principal.may(self.scope):
            challenge = f'Bearer error="insufficient_scope", scope="{self.scope}"'
            raise Problem(
                403,
                detail=f"This key lacks the scope `{self.scope}`.",
                headers={"WWW-Authenticate": challenge},
            )
        return principal
