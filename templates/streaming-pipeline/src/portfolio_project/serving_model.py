"""The serving model, followed: whoever promotes or rolls back, every process changes over."""

from __future__ import annotations

import time

import structlog

from .challenger import Tried
from .provenance import ProvenanceError, Registry
from .scorer import ModelMismatchError, Scorer, load_current

POLL_SECONDS = 0.25
_log = structlog.get_logger("model")


class NoModelError(Exception):
    """Nothing serves yet."""


class CurrentModel:
    """Gives the serving model, and looks at the registry's pointer four times a second at most."""

    def __init__(self, registry: Registry) -> None:
        """Load the serving model. Raises NoModelError, ModelMismatchError, ProvenanceError."""
        self._registry = registry
        scorer = load_current(registry)
        if scorer is None:
            raise NoModelError(f"no model serves from {registry.root}. Run the command `train`")
        scorer.warm_up()
        self._scorer = scorer
        self._tried = Tried(registry)
        self._tried.beside(scorer)
        self._looked = time.monotonic()

    def __call__(self) -> Scorer:
        """The serving model now; one that cannot be loaded leaves the one before in place."""
        now = time.monotonic()
        if now - self._looked >= POLL_SECONDS:
            self._looked = now
            self.refresh()
        return self._scorer

    def refresh(self) -> Scorer:
        """Look at the registry now."""
        try:
            if self._registry.current_id() != self._scorer.version:
                scorer = load_current(self._registry)
                if scorer is not None:
                    scorer.warm_up()
                    self._scorer = scorer
        except (ProvenanceError, ModelMismatchError, ValueError) as error:
            _log.warning("model_not_loaded", reason=str(error), serving=self._scorer.version)
        self._tried.beside(self._scorer)
        return self._scorer
