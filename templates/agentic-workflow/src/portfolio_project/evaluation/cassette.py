"""Records and replays model calls at the HTTP transport, below any provider's library.

A recording is named by the SHA-256 of its request and by how often the same request came before
in the same case. Replay is strict: a request without a recording fails and shows the difference
to the nearest one. Each recording is stamped with where it came from.
"""

import asyncio
import difflib
from collections import Counter
from collections.abc import AsyncIterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

import httpx2
import orjson

from ..provenance import readable_json, sha256_json

current_case: ContextVar[str] = ContextVar("current_case", default="none")
"""The case on whose behalf requests are made."""
_VOLATILE = frozenset({"user", "metadata", "store", "prompt_cache_key", "stream_options"})
_KEPT_HEADERS = frozenset({"content-type"})
_SHOWN = 14


class CassetteMissError(Exception):
    """A request has no recording."""


class CassetteTransport(httpx2.AsyncBaseTransport):
    """Sends and keeps requests ("record"), or answers them from what was kept ("replay")."""

    def __init__(
        self,
        folder: Path,
        mode: Literal["record", "replay"],
        stamp: dict[str, str],
        inner: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Use recordings under `folder`, one folder a case.

        Args:
            folder: where the recordings are.
            mode: record or replay.
            stamp: what the recordings say of their source: model, fingerprint.
            inner: how requests are really sent; the network by default.
        """
        self.misses: list[str] = []
        self._folder = folder
        self._mode = mode
        self._stamp = stamp
        self._inner = inner or httpx2.AsyncHTTPTransport()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._used: set[Path] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request. Raises CassetteMissError in replay, where it was not recorded."""
        asked = canonical(request, await request.aread())
        key, case = sha256_json(asked), current_case.get()
        count = self._seen[case, key]
        self._seen[case, key] += 1
        path = self._folder / case / f"{key[:32]}.{count}.json"
        if self._mode == "replay":
            return self._replay(path, asked, request)
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        body = b"".join([chunk async for chunk in _chunks(response.stream)])
        headers = {k: v for k, v in response.headers.items() if k.lower() in _KEPT_HEADERS}
        kept = {
            "schema": 1,
            "source": {**self._stamp, "host": request.url.host},
            "request": asked,
            "response": {
                "status": response.status_code,
                "headers": headers,
                "body": body.decode(),
            },
        }
        await asyncio.to_thread(_write, path, readable_json(kept))
        return httpx2.Response(response.status_code, headers=headers, content=body, request=request)

    def _replay(
        self, path: Path, asked: dict[str, Any], request: httpx2.Request
    ) -> httpx2.Response:
        if not path.exists():
            self.misses.append(self._explain(path, asked))
            raise CassetteMissError(self.misses[-1])
        self._used.add(path)
        kept = orjson.loads(path.read_bytes())
        if kept.get("source", {}).get("model") != self._stamp.get("model"):
            raise CassetteMissError(f"{path.name} was not recorded from {self._stamp.get('model')}")
        told = kept["response"]
        body = told["body"].encode()
        return httpx2.Response(
            told["status"], headers=told["headers"], content=body, request=request
        )

    def _explain(self, path: Path, asked: dict[str, Any]) -> str:
        now = readable_json(asked).decode().splitlines()
        nearest: tuple[str, list[str]] | None = None
        for other in sorted(path.parent.glob("*.json")):
            old = readable_json(orjson.loads(other.read_bytes())["request"]).decode().splitlines()
            lines = list(difflib.unified_diff(old, now, "recorded", "now", lineterm="", n=0))
            if nearest is None or len(lines) < len(nearest[1]):
                nearest = (other.name, lines)
        told = f"no recording {path.parent.name}/{path.name}"
        if nearest is None:
            return f"{told}; there is none for this case. Record again"
        return "\n".join([f"{told}; nearest {nearest[0]}:", *nearest[1][:_SHOWN]])

    async def aclose(self) -> None:
        """Close the connections of what really sends."""
        await self._inner.aclose()

    def unused(self) -> list[str]:
        """Return the recordings that no request asked for."""
        found = sorted(self._folder.rglob("*.json"))
        return [p.relative_to(self._folder).as_posix() for p in found if p not in self._used]


def canonical(request: httpx2.Request, body: bytes) -> dict[str, Any]:
    """Return what makes requests the same: method, path, and body without volatile parts."""
    try:
        given = orjson.loads(body or b"null")
    except orjson.JSONDecodeError:
        given = {"raw": body.hex()}
    if isinstance(given, dict):
        given = {k: v for k, v in given.items() if k not in _VOLATILE}
    return {"method": request.method, "path": request.url.path, "body": given}


async def _chunks(stream: httpx2.AsyncByteStream) -> AsyncIterator[bytes]:
    async for chunk in stream:
        yield chunk
    await stream.aclose()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
