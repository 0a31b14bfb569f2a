"""Cursor pagination: opaque, signed cursors that belong to one listing."""

import base64
import binascii
import hmac
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from .problems import Problem

T = TypeVar("T")
_TAG_BYTES = 16
MAX_LIMIT = 200

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items to return at most")]
Cursor = Annotated[
    str | None,
    Query(max_length=1024, description="`next_cursor` of the page before; nothing for the first"),
]


class Page(BaseModel, Generic[T]):
    """Some items of a listing, and the cursor that leads to the next ones."""

    items: list[T]
    next_cursor: str | None = Field(
        default=None, description="Pass it as `cursor`; null on the last page"
    )


class CursorCodec:
    """Turns a position in a listing into a cursor and back.

    `listing` names the listing with its filters, so that a cursor of one doesn't work in another.
    """

    def __init__(self, secret: bytes, listing: str) -> None:
        self._key = hmac.digest(secret or b"local", b"cursor:" + listing.encode(), "sha256")

    def encode(self, position: Any) -> str:
        """Return the cursor for a JSON-serialisable position."""
        payload = orjson.dumps(position)
        return base64.urlsafe_b64encode(self._tag(payload) + payload).rstrip(b"=").decode()

    def decode(self, cursor: str) -> Any:
        """Return the position. Raises a 404 Problem for a cursor that this listing didn't give.

        404 and not 400: the request is well formed, as far as its schema can say, but no page has
        this address.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _unknown_cursor() from None
        tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        # The second comparison refuses another spelling of the same bytes.
        if not hmac.compare_digest(tag, self._tag(payload)):
            raise _unknown_cursor()
        position = orjson.loads(payload)
        if self.encode(position) != cursor:
            raise _unknown_cursor()
        return position

    def _tag(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, "sha256")[:_TAG_BYTES]


def _unknown_cursor() -> Problem:
    return Problem(
        404,
        detail="This cursor is not from this listing. Start again without `cursor`.",
        type="urn:problem:unknown-cursor",
    )
