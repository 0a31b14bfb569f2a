"""A small service with one route of each kind, for the tests of the serving room.

Run it as a script to serve it on a real socket; the settings come from the environment.
"""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel, Field

from portfolio_project import serving

DONE: list[str] = []
Seconds = Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)]


class Note(BaseModel):
    """What the echo takes and gives."""

    text: str = Field(max_length=100, examples=["hello"])
    password: str | None = Field(default=None, min_length=8)


class Answer(BaseModel):
    """What a model said, and which."""

    value: float
    model_version: str


class Tick(BaseModel):
    """One event of the stream."""

    number: int


def _do(text: str) -> None:
    """The effect of a write, seen in `DONE`, or in a file where the test is another process."""
    DONE.append(text)
    if path := os.environ.get("SAMPLE_DONE"):
        with Path(path).open("a") as file:
            file.write(f"{text}\n")


def notes_router() -> APIRouter:
    """Return routes that write, list and miss."""
    router = APIRouter(tags=["notes"])

    @router.post("/notes", status_code=201)
    async def write_note(
        note: Note,
        _caller: Annotated[serving.Principal, Depends(serving.require_scope("write"))],
    ) -> Note:
        _do(note.text)
        if note.text.startswith("slow"):
            await asyncio.sleep(0.4)
        if note.text.startswith("broken"):
            raise RuntimeError("s3cret in an exception")
        return note

    @router.get("/notes")
    async def list_notes(
        limit: serving.Limit = 10, cursor: serving.Cursor = None
    ) -> serving.Page[int]:
        codec = serving.CursorCodec(b"k" * 32, "notes")
        start = codec.decode(cursor) if cursor else 0
        items = list(range(start, min(start + limit, 25)))
        more = start + limit < 25
        return serving.Page(items=items, next_cursor=codec.encode(start + limit) if more else None)

    @router.get("/notes/{note}")
    async def read_note(note: int) -> Note:
        raise serving.Problem(404, detail=f"There is no note {note}.")

    return router


def model_router(slot: serving.ModelSlot[float]) -> APIRouter:
    """Return routes that lease the model, fail and stream."""
    router = APIRouter(tags=["model"])

    @router.get("/score")
    async def score(seconds: Seconds = 0.0) -> Answer:
        with slot.lease() as served:
            await asyncio.sleep(seconds)
            return Answer(value=served.model, model_version=served.version)

    @router.get("/thread")
    def in_a_thread(seconds: Seconds = 0.0) -> Answer:
        with slot.lease() as served:
            time.sleep(seconds)
            return Answer(value=served.model, model_version=served.version)

    if os.environ.get("SAMPLE_STUCK"):

        @router.get("/stuck")
        async def stuck() -> Answer:
            await asyncio.sleep(3600)
            raise AssertionError

    @router.get("/fail")
    async def fail() -> Note:
        raise RuntimeError("s3cret in an exception")

    @router.get("/ticks", response_class=EventSourceResponse)
    async def ticks(count: int = 1_000_000, pause: float = 0.02):
        for number in range(count):
            yield Tick(number=number)
            await asyncio.sleep(pause)

    return router


def sample_app(
    settings: serving.ServingSettings, slot: serving.ModelSlot[float] | None = None, **options
) -> serving.Service:
    """Return the service, with a model unless `slot` says otherwise."""
    if slot is None:
        slot = serving.ModelSlot()
        slot.swap("v1", 1.0)
    return serving.build_app(
        settings,
        title="Sample",
        description="A service for tests.",
        version="1.0.0",
        routers=[notes_router(), model_router(slot)],
        model=slot,
        **options,
    )


def main() -> int:
    """Serve until a signal."""
    settings = serving.load_settings(serving.ServingSettings)
    return serving.serve(sample_app(settings), settings)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except serving.BadSettings as error:
        sys.exit(str(error))
