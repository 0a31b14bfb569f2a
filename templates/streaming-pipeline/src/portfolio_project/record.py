"""A recorded run as one page: the live page, with everything in it that the API said meanwhile.

The file needs no server and no network: open it from disk. Nothing on it can be changed.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from .serving.pages import recorded_page

ANSWERS = (
    "/v1/stats",
    "/v1/models",
    "/v1/trial",
    "/v1/monitors",
    "/v1/dead-letters",
    "/v1/reproduction",
)
_DETAILS = 40
_BEFORE = 2_400
_TIMEOUT = 30
PAGE = files(str(__package__)) / "page"


class RecordError(Exception):
    """The service could not be recorded; the text says why."""


def record(url: str, seconds: float, out: Path, key: str | None = None) -> int:
    """Follow the service at `url` for so long, and write the page; returns how many decisions.

    Raises RecordError when the service does not answer, and OSError when `out` cannot be written.
    """
    service = _Service(url.rstrip("/"), key)
    frames = list(service.feed(seconds))
    answers = {path: service.get(path) for path in ANSWERS}
    decisions = [one for frame in frames if frame["name"] == "decisions" for one in frame["data"]]
    for alert in [one for one in decisions if one["alert"]][-_DETAILS:]:
        path = f"/v1/predictions/{alert['event_id']}"
        answers[path] = service.get(path)
        with suppress(RecordError):  # a model of an earlier version has no explainer
            answers[f"{path}/explanation"] = service.get(f"{path}/explanation")
    recording = {"frames": frames, "answers": answers}
    out.write_text(recorded_page(PAGE, recording), encoding="utf-8")
    return len(decisions)


class _Service:
    """A running service, asked over HTTP."""

    def __init__(self, url: str, key: str | None) -> None:
        if not url.startswith(("http://", "https://")):
            raise RecordError(f"{url} is no address. Give one that begins with http://")
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def _open(self, path: str, **headers: str) -> Any:
        sent = self._headers | headers
        asked = urllib.request.Request(self._url + path, headers=sent)  # noqa: S310 - checked above
        try:
            return urllib.request.urlopen(asked, timeout=_TIMEOUT)  # noqa: S310 - checked above
        except urllib.error.HTTPError as error:
            raise RecordError(f"{self._url}{path} answers {error.code}. Is a key needed?") from None
        except OSError as error:
            raise RecordError(f"{self._url} does not answer ({error}). Run `demo` first") from None

    def get(self, path: str) -> Any:
        """One answer."""
        with self._open(path) as answer:
            return orjson.loads(answer.read())

    def feed(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Events of the live feed, and when each came (ms)."""
        start = max(0, self.get("/v1/stats")["processed_offset"] - _BEFORE)
        began = time.monotonic()
        name = ""
        with self._open("/v1/stream", **{"Last-Event-ID": str(start)}) as feed:
            for line in feed:
                passed = time.monotonic() - began
                if passed > seconds:
                    return
                kind, _, value = line.decode().rstrip("\n").partition(": ")
                if kind == "event":
                    name = value
                elif kind == "data":
                    yield {"after": round(passed * 1e3), "name": name, "data": orjson.loads(value)}
