"""The page as one file that opens from disk: its scripts and style inside, its answers recorded.

What is recorded is what the API answers now, asked over a loopback socket.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson

from .api import create_app
from .api.pages import PAGE
from .errors import UserError
from .provenance.durable import replace_file
from .serving import in_thread
from .serving.pages import recorded_page
from .settings import Settings

EXAMPLES = 4
_LONGEST_EXAMPLE = 80
LIMIT = 12
MAP = "/v1/map?limit=600"


class RecordingError(UserError):
    """There is nothing to record; the text says what to do."""


def record(settings: Settings, target: Path) -> str:
    """Write the recorded page to `target`; return what is in it, in words.

    Raises RecordingError, and the index's errors.
    """
    quiet = {"log_level": "error", "rate_limit": "1000000/second", "api_keys": ()}
    with in_thread(create_app(settings.model_copy(update=quiet))) as url:
        recorded = _ask(url)
    replace_file(target, recorded_page(PAGE, recorded).encode())
    answers, pictures = recorded["answers"], recorded["pictures"]
    return f"{len(answers)} answers and {len(pictures)} pictures"


def _ask(url: str) -> dict[str, Any]:
    answers = {path: _json(url, path) for path in ("/v1/index", MAP)}
    if not answers["/v1/index"]["documents"]:
        raise RecordingError("the index is empty. Run the command `index build`")
    shown = {point["id"] for point in answers[MAP]["points"]}
    examples = _examples(answers[MAP]["points"])
    for words in examples:
        shown |= _search(url, words, answers)
    return {
        "examples": examples,
        "answers": answers,
        "pictures": _media(url, shown, "image"),
        "sounds": _media(url, shown, "sound"),
    }


def _examples(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Captions of some documents, spread over all: what to search for."""
    said = (point["caption"] for point in points)
    captions = list(dict.fromkeys(one for one in said if one and len(one) <= _LONGEST_EXAMPLE))
    return captions[:: max(1, len(captions) // EXAMPLES)][:EXAMPLES]


def _search(url: str, words: str, answers: dict[str, Any]) -> set[str]:
    query = [{"part": {"kind": "text", "text": words}, "weight": 1}]
    body = {"query": query, "target": "image", "limit": LIMIT, "filters": {}}
    found = _post(url, "/v1/search", body, answers)
    ids = [hit["id"] for hit in found["hits"]]
    for name in ids:
        _post(url, "/v1/explain", {"query": query, "document": name}, answers)
    return set(ids)


def _post(url: str, path: str, body: dict[str, Any], answers: dict[str, Any]) -> Any:
    # Under the name by which the page asks: what JSON.stringify writes.
    name = f"{path} {orjson.dumps(body).decode()}"
    answers[name] = _json(url, path, orjson.dumps(body))
    return answers[name]


def _json(url: str, path: str, body: bytes | None = None) -> Any:
    try:
        _, data = _fetch(url + path, body)
    except HTTPError as error:
        with error:
            said = orjson.loads(error.read())
        raise RecordingError(f"{path} answers: {said.get('detail', said['title'])}") from None
    return orjson.loads(data)


def _media(url: str, ids: set[str], part: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in sorted(ids):
        try:
            kind, data = _fetch(f"{url}/v1/documents/{name}/{part}")
        except HTTPError as error:
            error.close()
            continue
        found[name] = f"data:{kind};base64,{b64encode(data).decode()}"
    return found


def _fetch(url: str, body: bytes | None = None) -> tuple[str, bytes]:
    request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own server
    with urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
        return answer.headers.get_content_type(), answer.read()
