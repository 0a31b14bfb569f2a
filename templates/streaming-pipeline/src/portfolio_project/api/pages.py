"""The live page: static files at the root, its title from about.json."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from importlib.resources import files
from string import Template

from fastapi import APIRouter, Response

from ..about import about

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def pages_router() -> APIRouter:
    """GET / and the files that it loads."""
    router = APIRouter()
    folder = files(str(__package__).rpartition(".")[0]) / "page"
    words = {key: escape(value) for key, value in about().items()}
    index = Template((folder / "index.html").read_text(encoding="utf-8")).safe_substitute(words)

    @router.get("/")
    async def page() -> Response:
        return Response(index, media_type="text/html", headers={"Cache-Control": "no-cache"})

    for entry in folder.iterdir():
        kind = entry.name.rpartition(".")[2]
        if kind in _TYPES:
            router.add_api_route(f"/{entry.name}", _file(entry.read_bytes(), _TYPES[kind]))
    return router


def _file(data: bytes, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def send() -> Response:
        return Response(data, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return send
