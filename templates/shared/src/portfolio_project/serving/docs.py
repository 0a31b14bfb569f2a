"""The API's documentation as one page of plain HTML: no script, nothing from another host."""

import html
import json
from collections.abc import Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h2 { border-bottom: 1px solid; font-size: 1.2rem; }
details { border: 1px solid #8888; border-radius: .4rem; margin: .5rem 0; padding: .5rem 1rem; }
summary { cursor: pointer; }
code, pre { font: .9rem/1.4 ui-monospace, monospace; }
pre { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid #8888; padding: .2rem .6rem; text-align: left; vertical-align: top; }
"""
_VERBS = ("get", "post", "put", "patch", "delete")


class Docs:
    """Serves /docs and its style sheet; the page is made once, from the OpenAPI document."""

    def __init__(self, openapi: Callable[[], dict[str, Any]]) -> None:
        self._openapi = openapi
        self._page: str | None = None

    async def page(self, _request: Request) -> Response:
        """Answer with the page."""
        if self._page is None:
            self._page = "\n".join(_page(self._openapi()))
        return HTMLResponse(self._page)

    async def style(self, _request: Request) -> Response:
        """Answer with the style sheet, which the security headers want in a file of its own."""
        return Response(_STYLE, media_type="text/css")


def _text(value: object) -> str:
    return html.escape(str(value))


def _page(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    title = _text(info["title"])
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<title>{title}: API</title><link rel="stylesheet" href="docs/style.css"></head>'
    yield f"<body><header><h1>{title} {_text(info['version'])}</h1>"
    yield f"<p>{_text(info.get('description', ''))}</p>"
    yield '<p>The same for machines: <a href="openapi.json">openapi.json</a></p></header><main>'
    by_tag: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for verb in _VERBS:
            if verb in item:
                tag = item[verb].get("tags", ["other"])[0]
                shown = "\n".join(_operation(path, verb, item[verb]))
                by_tag.setdefault(tag, []).append(shown)
    for tag, operations in by_tag.items():
        yield f"<h2>{_text(tag)}</h2>"
        yield from operations
    yield "<h2>Schemas</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f'<details id="{_text(name)}"><summary><code>{_text(name)}</code></summary>'
        yield f"<pre>{_text(json.dumps(schema, indent=2))}</pre></details>"
    yield "</main></body></html>"


def _operation(path: str, verb: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<details><summary><code>{verb.upper()} {_text(path)}</code> "
    yield f"{_text(operation.get('summary', ''))}</summary>"
    if "description" in operation:
        yield f"<p>{_text(operation['description'])}</p>"
    if operation.get("security"):
        yield "<p>Wants an API key: <code>Authorization: Bearer sk_...</code></p>"
    if parameters := operation.get("parameters"):
        yield "<table><tr><th>Parameter</th><th>In</th><th>What it is</th></tr>"
        for parameter in parameters:
            said = parameter.get("description") or _kind(parameter["schema"])
            yield f"<tr><td><code>{_text(parameter['name'])}</code></td>"
            yield f"<td>{_text(parameter['in'])}</td><td>{_text(said)}</td></tr>"
        yield "</table>"
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body, {_text(media_type)}: {_link(content.get('schema', {}))}</p>"
    yield "<table><tr><th>Status</th><th>Answer</th></tr>"
    for status, answer in operation["responses"].items():
        yield f"<tr><td>{_text(status)}</td><td>{_answer(answer)}</td></tr>"
    yield "</table></details>"


def _answer(answer: dict[str, Any]) -> str:
    if "$ref" in answer:
        return '<a href="#ProblemDocument">a problem document</a>'
    links = (_link(content.get("schema", {})) for content in answer.get("content", {}).values())
    return " ".join((_text(answer.get("description", "")), *links))


def _link(schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    return f'<a href="#{_text(name)}"><code>{_text(name)}</code></a>' if name else _kind(schema)


def _kind(schema: dict[str, Any]) -> str:
    return _text(schema.get("title") or schema.get("type") or "any")
