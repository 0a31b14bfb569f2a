"""What the routes work with: the log, the store, the registry and the serving model."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated

from fastapi import Path

from ..broker import Log, arrival_clock
from ..events import Identifier
from ..provenance import ProvenanceError, Registry
from ..scorer import ModelMismatchError, Scorer, load_current
from ..serving import ModelRefused, ModelSlot
from ..settings import Settings
from ..view import View

if TYPE_CHECKING:
    from ..supervisor import Supervisor

EventId = Annotated[Identifier, Path(description="The transaction's id", examples=["tx-1024"])]
CardId = Annotated[Identifier, Path(description="The card's id", examples=["card-7"])]


class ModelUnavailableError(Exception):
    """The registry's serving model cannot be loaded; the text says why."""


class Access:
    """Handles to everything behind the API; those to databases are one for each thread."""

    def __init__(self, settings: Settings, supervisor: Supervisor | None = None) -> None:
        self.settings = settings
        self.registry = Registry(settings.registry_dir)
        self.slot: ModelSlot[Scorer] = ModelSlot(warm_up=Scorer.warm_up)
        self.supervisor = supervisor
        self._mine = threading.local()
        self._lock = threading.Lock()

    @property
    def log(self) -> Log:
        """The event log."""
        if not hasattr(self._mine, "log"):
            self._mine.log = Log(self.settings.log_path)
        log: Log = self._mine.log
        return log

    @property
    def view(self) -> View:
        """The store, for reading."""
        if not hasattr(self._mine, "view"):
            self._mine.view = View(self.settings.store_path)
        view: View = self._mine.view
        return view

    def now(self) -> int:
        """When an event arrives that arrives now (Unix seconds)."""
        return arrival_clock(self.log, virtual=self.settings.clock == "stream")()

    def follow_registry(self) -> None:
        """Serve what the registry says should serve. Raises ModelUnavailableError.

        What served goes on serving when the new one cannot be loaded.
        """
        with self._lock:
            try:
                wanted = self.registry.current_id()
                serving = self.slot.current.version if self.slot.loaded else None
                if wanted is None or wanted == serving:
                    return
                scorer = load_current(self.registry)
                if scorer is not None:
                    self.slot.swap(scorer.version, scorer)
            except (ProvenanceError, ModelMismatchError, ModelRefused) as error:
                raise ModelUnavailableError(str(error)) from error
