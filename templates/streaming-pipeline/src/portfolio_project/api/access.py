"""What the routes work with: the log, the store, the registry and the serving model."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from fastapi import Path

from ..broker import Log, arrival_clock
from ..challenger import Tried, answering
from ..events import Identifier
from ..monitors.alarms import Alarms
from ..provenance import ProvenanceError, Registry
from ..registry_api import ModelUnavailableError
from ..scorer import ModelMismatchError, Scorer, load_current
from ..serving import ModelRefused, ModelSlot
from ..serving.exchange import current_exchange
from ..settings import Settings
from ..view import View

if TYPE_CHECKING:
    from ..supervisor import Supervisor

EventId = Annotated[Identifier, Path(description="The transaction's id", examples=["tx-1024"])]
CardId = Annotated[Identifier, Path(description="The card's id", examples=["card-7"])]
TerminalId = Annotated[Identifier, Path(description="The terminal's id", examples=["term-31"])]


class Access:
    """Handles to everything behind the API; those to databases are one for each thread."""

    def __init__(self, settings: Settings, supervisor: Supervisor | None = None) -> None:
        self.settings = settings
        self.registry = Registry(settings.registry_dir)
        self.slot: ModelSlot[Scorer] = ModelSlot(warm_up=Scorer.warm_up)
        self.supervisor = supervisor
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._tried = Tried(self.registry)

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

    @property
    def alarms(self) -> Alarms:
        """What the monitor has noticed."""
        if not hasattr(self._mine, "alarms"):
            self._mine.alarms = Alarms(self.settings.monitor_path)
        alarms: Alarms = self._mine.alarms
        return alarms

    def now(self) -> int:
        """When an event arrives that arrives now (Unix seconds)."""
        return arrival_clock(self.log, virtual=self.settings.clock == "stream")()

    @contextmanager
    def leased(self, card_id: str) -> Generator[Scorer]:
        """The model that decides about a card, for one request: a canary has its share of them.

        Raises a 503 Problem while no model is loaded.
        """
        with self.slot.lease() as served:
            model = answering(served.model, card_id)
            exchange = current_exchange.get()
            if exchange is not None:
                exchange.model_version = model.version
            yield model

    def follow_registry(self) -> None:
        """Serve what the registry says should serve. Raises ModelUnavailableError.

        What served goes on serving when the new one cannot be loaded.
        """
        with self._lock:
            try:
                wanted = self.registry.current_id()
                serving = self.slot.current.version if self.slot.loaded else None
                if wanted is not None and wanted != serving:
                    scorer = load_current(self.registry)
                    if scorer is not None:
                        self.slot.swap(scorer.version, scorer)
                if self.slot.loaded:
                    self._tried.beside(self.slot.current.model)
            except (ProvenanceError, ModelMismatchError, ModelRefused) as error:
                raise ModelUnavailableError(str(error)) from error
