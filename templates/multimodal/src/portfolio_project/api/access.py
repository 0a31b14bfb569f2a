"""What the routes work with: the serving model, the index, the batcher, and the registry."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from typing import Any

import structlog

from ..batching import Batcher, Limits, QueueFullError, Work
from ..embedder import Embedder
from ..errors import UserError
from ..index import Index, IndexUnavailableError, VersionMismatchError
from ..provenance import ProvenanceError, Registry
from ..registry_api import ModelUnavailableError
from ..serving import ModelRefused, ModelSlot, Problem
from ..serving_model import embed_documents, limits_of, load, warm_up
from ..settings import Settings

SEARCH_THREADS = 8
"""Batches of searches answered at the same time: on PostgreSQL, each on its connection."""
_DISK = (OSError, sqlite3.Error)
_log = structlog.get_logger("api")


class Access:
    """Handles to everything behind the API."""

    def __init__(self, settings: Settings, index: Index) -> None:
        self.settings = settings
        self.index = index
        self.registry = Registry(settings.registry_dir)
        self.slot: ModelSlot[Embedder] = ModelSlot(warm_up=warm_up)
        limits = Limits(
            size=settings.batch_size,
            wait=settings.batch_wait_ms / 1e3,
            queue=settings.batch_queue,
            patience=settings.batch_patience_seconds,
        )
        self.batcher = Batcher(limits)
        size = min(index.searches_at_once, limits.size)
        self.searcher = Batcher(replace(limits, size=size, threads=SEARCH_THREADS, wait=0.0))
        self.rebuilding = False
        self._lock = threading.Lock()

    def follow_registry(self) -> None:
        """Serve what the registry says should serve. Raises ModelUnavailableError.

        First the index gets the new model's vectors, while the model before it goes on answering;
        then the two change over together, so vectors of different models never meet.
        """
        with self._lock:
            try:
                wanted = self.registry.current_id()
                serving = self.slot.current.version if self.slot.loaded else None
                if wanted is None or wanted == serving:
                    return
                embedder = load(self.registry.get(wanted), self.settings)
                warm_up(embedder)
                self.fill(wanted, embedder)
                self.slot.swap(wanted, embedder)
            except (ProvenanceError, ModelRefused, UserError, ValueError, *_DISK) as error:
                raise ModelUnavailableError(str(error)) from error

    def fill(self, version: str, embedder: Embedder) -> int:
        """Embed whatever the index holds that `embedder` has not embedded; return how much."""
        limits = limits_of(self.settings, embedder)
        self.rebuilding = True
        try:
            count = self.index.rebuild(
                version,
                embedder.dim,
                lambda documents: embed_documents(documents, embedder, limits),
            )
        finally:
            self.rebuilding = False
        if count:
            _log.info("index_filled", model=version, documents=count)
        return count


async def submit(batcher: Batcher, key: object, work: Work, value: Any) -> Any:
    """What `work` makes of a value, in a batch. Raises a 503 Problem when too many wait."""
    try:
        (made,) = await batcher.submit(key, work, [value])
    except QueueFullError as error:
        raise Problem(
            503,
            detail=f"Too much is asked at once: {error}. Try again shortly.",
            type="urn:problem:overloaded",
            headers={"Retry-After": "1"},
        ) from None
    return made


def insist_on_version(asked: str | None, serving: str) -> None:
    """Refuse to answer with another model than the one that the caller wants."""
    if asked is not None and asked != serving:
        raise Problem(
            409,
            "Another Model Serves",
            detail=f"Model {serving} serves, not {asked}. Embed again, or leave the version out.",
            type="urn:problem:model-mismatch",
            serving=serving,
            asked=asked,
        )


def index_problem(error: UserError) -> Problem:
    """What went wrong in the index, for a caller."""
    match error:
        case VersionMismatchError():
            return Problem(
                409,
                "Index Of Another Model",
                detail="The index holds vectors of another model than the one that serves. "
                "Rebuild it: POST /v1/index/rebuild.",
                type="urn:problem:index-mismatch",
                serving=error.asked,
                index=error.found,
            )
        case IndexUnavailableError():
            return Problem(
                503,
                detail="The index cannot be reached, or not be written. Try again shortly.",
                type="urn:problem:index-unavailable",
                headers={"Retry-After": "2"},
            )
        case _:
            return Problem(409, detail=f"{error}.")
