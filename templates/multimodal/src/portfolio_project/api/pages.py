"""The pages: static files at the root, titles from about.json, and the evaluation report."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html import escape
from importlib.resources import files
from string import Template

from fastapi import APIRouter, Response

from ..about import about
from ..serving import Problem
from ..settings import Settings

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def pages_router(settings: Settings) -> APIRouter:
    """GET /, the files that it loads, and /evaluation once there is a report."""
    router = APIRouter()
    folder = files(str(__package__).rpartition(".")[0]) / "page"
    words = {key: escape(value) for key, value in about().items()}
    index = Template((folder / "index.html").read_text(encoding="utf-8")).safe_substitute(words)
    router.add_api_route("/", _file(index.encode(), "text/html"))

    @router.get("/evaluation")
    def evaluation() -> Response:
        page, _ = _report(settings)
        return Response(page, media_type="text/html", headers={"Cache-Control": "no-cache"})

    @router.get("/evaluation.css")
    def evaluation_style() -> Response:
        _, style = _report(settings)
        return Response(style, media_type="text/css", headers={"Cache-Control": "no-cache"})

    # What a browser asks for on its own, where a page names no icon.
    icon = _file((folder / "icon.svg").read_bytes(), _TYPES["svg"])
    router.add_api_route("/favicon.ico", icon)
    for entry in folder.iterdir():
        kind = entry.name.rpartition(".")[2]
        if kind in _TYPES:
            router.add_api_route(f"/{entry.name}", _file(entry.read_bytes(), _TYPES[kind]))
    return router


def _report(settings: Settings) -> tuple[str, str]:
    """The evaluation report and its style, which the security headers want in a file of its own."""
    try:
        report = (settings.reports_dir / "evaluation.html").read_text(encoding="utf-8")
    except OSError:
        raise Problem(404, detail="Nothing was evaluated yet: run `evaluate`.") from None
    style = "".join(_STYLE.findall(report))
    return _STYLE.sub('<link rel="stylesheet" href="/evaluation.css">', report), style


def _file(data: bytes, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def send() -> Response:
        return Response(data, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return send
