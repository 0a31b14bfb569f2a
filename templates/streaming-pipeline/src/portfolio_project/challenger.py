"""A challenger: a registered model that is tried beside the serving one before it may take over.

In the shadow (share 0) it scores every payment and decides none. As a canary it decides for a share
of the cards, always the same ones: those whose hash falls below the share. Both models' scores are
kept for each payment, so the two are compared on the same ones. Whatever a challenger does, a
decision is made: one that fails, or answers what is no probability, is passed over.
"""

from __future__ import annotations

import zlib
from typing import Annotated

import numpy as np
import structlog
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .provenance import GateCheck, GateRefusedError, ProvenanceError, Registry, readable_json
from .provenance.durable import replace_file
from .scorer import Beside, ModelMismatchError, Scorer, load

_FILE = "trial.json"
_BUCKETS = 10_000
_log = structlog.get_logger("challenger")

Share = Annotated[float, Field(ge=0, le=1)]
"""Of the cards for which a challenger decides; 0 is a shadow."""


class Trial(BaseModel):
    """Which version is being tried, and on what share of the cards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    share: Share


class Challenger(Beside):
    """A model in its trial."""

    def __init__(self, scorer: Scorer, share: float) -> None:
        self.version, self.threshold = scorer.version, scorer.threshold
        self._scorer = scorer
        self._below = round(share * _BUCKETS)
        self._failed = False

    def scores(self, features: NDArray[np.float32]) -> list[float] | None:
        """Probability for each row of `features`, None if this model cannot say."""
        try:
            found = self._scorer.score(features)
            if ((found >= 0) & (found <= 1)).all():
                answer: list[float] = found.tolist()
                return answer
            reason = "a score is no probability"
        except Exception as error:  # noqa: BLE001 - no fault of a challenger may stop a decision
            reason = f"{type(error).__name__}: {error}"
        if not self._failed:
            self._failed = True
            _log.warning("challenger_failed", version=self.version, reason=reason)
        return None

    def decides(self, card_id: str) -> bool:
        """Whether the card is in the share; salted, so each trial falls on other cards."""
        salted = f"{self.version}:{card_id}".encode()
        return zlib.crc32(salted) % _BUCKETS < self._below

    @property
    def scorer(self) -> Scorer:
        """The model itself."""
        return self._scorer


def trial_of(registry: Registry) -> Trial | None:
    """The trial that is on, None if there is none (or its file cannot be read)."""
    try:
        return Trial.model_validate_json((registry.root / _FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def start_trial(registry: Registry, version: str, share: float, gate: GateCheck) -> Trial:
    """Try a version from now on, in place of whatever was tried before.

    A shadow decides nothing, so any sound model may be one; with a `share` the gate must let it.
    Raises GateRefusedError, ModelMismatchError, another ProvenanceError, or ValueError from its
    warm-up.
    """
    found = registry.get(version)
    load(found).warm_up()
    champion = registry.current()
    if champion is not None and champion.id == found.id:
        raise ProvenanceError(f"version {found.id} serves already. Try another one beside it")
    if share > 0 and (reasons := tuple(gate(found, champion))):
        raise GateRefusedError(found.id, reasons)
    trial = Trial(version=found.id, share=share)
    replace_file(registry.root / _FILE, readable_json(trial.model_dump()))
    return trial


def end_trial(registry: Registry) -> None:
    """Try nothing any more; it is no error if nothing was tried."""
    (registry.root / _FILE).unlink(missing_ok=True)


def load_challenger(registry: Registry, trial: Trial | None) -> Challenger | None:
    """The model of `trial`, warmed up; None if there is none, or it cannot be loaded."""
    if trial is None:
        return None
    try:
        scorer = load(registry.get(trial.version))
        scorer.warm_up()
    except (ProvenanceError, ModelMismatchError, ValueError) as error:
        _log.warning("challenger_not_loaded", version=trial.version, reason=str(error))
        return None
    return Challenger(scorer, trial.share)


class Tried:
    """Keeps a challenger in step with the registry's trial."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._trial: Trial | None = None
        self._challenger: Challenger | None = None

    def beside(self, champion: Scorer) -> None:
        """Put the challenger of the present trial, if any, beside the champion."""
        trial = trial_of(self._registry)
        if trial is not None and trial.version == champion.version:
            trial = None
        if trial != self._trial:
            self._trial = trial
            self._challenger = load_challenger(self._registry, trial)
        champion.beside = self._challenger


def answering(champion: Scorer, card_id: str) -> Scorer:
    """The model whose score decides about a card: the champion, or a canary for its share."""
    beside = champion.beside
    if isinstance(beside, Challenger) and beside.decides(card_id):
        return beside.scorer
    return champion
