"""What a model was tested on, in tenths: the measure that the live stream is held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from ..features import FEATURE_NAMES, WATCHED
from ..provenance import ProvenanceError, Version

REFERENCE_FILE = "reference.json"
SCORE = "score"
SIGNALS = (SCORE, *WATCHED)
_TENTHS = np.arange(0.1, 1.0, 0.1)
_LEAST_SHARE = 1e-4  # an empty tenth would make the index infinite
_COLUMNS = [FEATURE_NAMES.index(name) for name in WATCHED]


class Tenths(BaseModel):
    """A signal's distribution: bin edges, and the share of the reference in each bin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges: tuple[float, ...]
    shares: tuple[float, ...]


class Reference(BaseModel):
    """The distribution of every signal when the model was tested."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signals: dict[str, Tenths]


def signals_of(scores: ArrayLike, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, signals) the logarithms of scores (n,) and watched features: no tail outweighs the rest.

    Watched features are not negative.
    """
    log_score = np.log10(np.maximum(np.asarray(scores, np.float64), 1e-4))
    watched = np.log1p(features[:, _COLUMNS].astype(np.float64))
    return np.column_stack([log_score, watched])


def reference_of(scores: ArrayLike, features: NDArray[np.float32]) -> Reference:
    """The reference from scores (n,) and features (n, 19) of the test span."""
    columns = signals_of(scores, features).T
    return Reference(
        signals={name: _tenths(values) for name, values in zip(SIGNALS, columns, strict=True)}
    )


def read_reference(version: Version) -> Reference | None:
    """The reference that was registered with a model, None if there is none that fits."""
    try:
        found = Reference.model_validate_json(version.read(REFERENCE_FILE))
    except (KeyError, ProvenanceError, ValidationError):
        return None
    return found if set(found.signals) == set(SIGNALS) else None


def stability_index(expected: Tenths, values: NDArray[np.float64]) -> float:
    """Population stability index of `values` (n,) against the reference.

    Under 0.1 is commonly read as no change, over 0.25 as a large one (Siddiqi, Credit Risk
    Scorecards, 2006, ch. 8).
    """
    now = np.maximum(_shares(expected.edges, values), _LEAST_SHARE)
    then = np.maximum(np.array(expected.shares), _LEAST_SHARE)
    return float(((now - then) * np.log(now / then)).sum())


def _tenths(values: NDArray[np.float64]) -> Tenths:
    edges = np.unique(np.quantile(values, _TENTHS).round(6))
    shares = _shares(edges, values).round(6)
    return Tenths(edges=tuple(edges.tolist()), shares=tuple(shares.tolist()))


def _shares(edges: ArrayLike, values: NDArray[np.float64]) -> NDArray[np.float64]:
    bins = np.searchsorted(np.asarray(edges), values, side="left")
    return np.bincount(bins, minlength=np.size(edges) + 1) / max(1, len(values))
