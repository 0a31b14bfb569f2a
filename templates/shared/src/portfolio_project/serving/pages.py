"""A page made of plain files: served at the root, or written as one file that opens from disk.

The folder holds index.html, whose $title and $description come from about.json, style.css, icon.svg
and scripts; app.js is where they begin. What the pages of every project look alike by is house.css.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template

import orjson
from fastapi import APIRouter, Response

from ..about import about

TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_HOUSE = "house.css"
_STYLE = re.compile(r'<link rel="stylesheet" href="/([\w.]+)">')
_IMPORT = re.compile(r'(from )"\./(\w+)\.js"')


def page_router(folder: Traversable) -> APIRouter:
    """GET / and the files that the page loads."""
    router = APIRouter()
    router.add_api_route("/", sender(_index(folder).encode(), "html"))
    # What a browser asks for on its own, where a page names no icon.
    router.add_api_route("/favicon.ico", sender((folder / "icon.svg").read_bytes(), "svg"))
    for entry in (*folder.iterdir(), _house()):
        kind = entry.name.rpartition(".")[2]
        if kind in TYPES and kind != "html":
            router.add_api_route(f"/{entry.name}", sender(entry.read_bytes(), kind))
    return router


def sender(data: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
    """Return a route that sends `data`; a browser asks each time whether it has changed."""

    async def send() -> Response:
        return Response(data, media_type=TYPES[kind], headers={"Cache-Control": "no-cache"})

    return send


def recorded_page(folder: Traversable, recording: object) -> str:
    """Return the page as one file: styles, scripts, and what was recorded as `recording`.

    Its footer, whose links lead to a service, is left out.
    """
    scripts = {
        entry.name.removesuffix(".js"): _IMPORT.sub(r'\1"\2"', entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".js")
    }
    imports = {name: _data_url(text, "js") for name, text in sorted(scripts.items())}
    entry = (
        f'<script type="importmap">{_json({"imports": imports})}</script>\n'
        f"<script>globalThis.recording = {_json(recording)};</script>\n"
        '<script type="module">import "app";</script>'
    )

    def style(match: re.Match[str]) -> str:
        source = _house() if match[1] == _HOUSE else folder / match[1]
        return f"<style>{source.read_text(encoding='utf-8')}</style>"

    html = _STYLE.sub(style, _index(folder))
    html = re.sub(r"<footer>.*?</footer>", "", html, flags=re.DOTALL)
    icon = _data_url((folder / "icon.svg").read_text(encoding="utf-8"), "svg")
    html = html.replace("/icon.svg", icon)
    return html.replace('<script type="module" src="/app.js"></script>', entry)


def _index(folder: Traversable) -> str:
    words = {key: escape(value) for key, value in about().items()}
    return Template((folder / "index.html").read_text(encoding="utf-8")).safe_substitute(words)


def _house() -> Traversable:
    return files(str(__package__)) / _HOUSE


def _data_url(text: str, kind: str) -> str:
    return f"data:{TYPES[kind]};base64,{b64encode(text.encode()).decode()}"


def _json(value: object) -> str:
    """JSON that can't end the script that it stands in."""
    return orjson.dumps(value).decode().replace("</", "<\\/")
