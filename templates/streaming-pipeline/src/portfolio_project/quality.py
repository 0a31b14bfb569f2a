"""Where a score is good, how sure that is, and whether its probabilities can be believed.

Intervals come from a bootstrap over cards: payments of one card are not independent, so cards are
drawn, not payments (Field and Welsh, Bootstrapping clustered data, 2007).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rules import SLICES, Mask
from .table import Table

Scores = NDArray[np.float32] | NDArray[np.float64]
BINS = 10
ROUNDS = 200
_CHUNK = 50
_LEAST_FRAUDS = 5


def calibration(truth: Mask, scores: Scores) -> dict[str, Any]:
    """Reliability table, expected calibration error and Brier score; truth and scores (n,).

    Bins hold equally many payments: most scores are close to 0, where bins of equal width would
    see nothing. The error is the mean distance, weighted by payments, between what a bin's scores
    promise and the frauds in it (Naeini et al., Obtaining well calibrated probabilities, 2015).
    `brier_skill` is the Brier score's gain on always giving the mean (Brier, 1950).
    """
    known, chances = truth.astype(np.float64), scores.astype(np.float64)
    order = np.argsort(chances, kind="stable")
    bins: list[dict[str, float]] = []
    error = 0.0
    for part in np.array_split(order, min(BINS, len(order))):
        promised, happened = float(chances[part].mean()), float(known[part].mean())
        error += abs(promised - happened) * len(part) / len(order)
        bins.append(
            {
                "scores_up_to": float(chances[part].max()),
                "payments": len(part),
                "mean_score": promised,
                "share_of_frauds": happened,
            }
        )
    brier = float(((chances - known) ** 2).mean())
    constant = float(known.mean() * (1 - known.mean()))
    skill = 1 - brier / constant if constant else 0.0
    return {"calibration_error": error, "brier": brier, "brier_skill": skill, "bins": bins}


def slices(
    rows: Table, truth: Mask, scores: Scores, threshold: float, *, seed: int = 0
) -> list[dict[str, Any]]:
    """Average precision of all rows and of each slice, with 95% intervals.

    `false_alerts` is the share of genuine payments that raise an alert.

    A slice with fewer than five frauds is counted, not measured: its figure would be luck.
    """
    masks = {"all": np.ones(len(rows), np.bool_)}
    masks |= {name: tell(rows.features) for name, tell in SLICES.items()}
    found: list[dict[str, Any]] = []
    for name, mask in masks.items():
        part = rows.where(mask)
        frauds = int(truth[mask].sum())
        line: dict[str, Any] = {"slice": name, "payments": len(part), "frauds": frauds}
        if frauds >= _LEAST_FRAUDS:
            weights = card_weights(part.card, seed)
            point = average_precision(truth[mask], scores[mask], np.ones((1, len(part))))[0]
            low, high = interval(average_precision(truth[mask], scores[mask], weights))
            line |= {"average_precision": float(point), "low": low, "high": high}
        else:
            line |= dict.fromkeys(("average_precision", "low", "high"), "too few frauds")
        genuine = mask & ~truth
        line["false_alerts"] = float((scores[genuine] >= threshold).mean()) if genuine.any() else 0
        found.append(line)
    return found


def card_weights(cards: NDArray[np.int64], seed: int, rounds: int = ROUNDS) -> NDArray[np.float64]:
    """How often each payment (n,) is in each of the bootstrap's samples, (rounds, n)."""
    names, card = np.unique(cards, return_inverse=True)
    draw = np.random.default_rng(seed)
    times = np.stack(
        [
            np.bincount(draw.integers(0, len(names), len(names)), minlength=len(names))
            for _ in range(rounds)
        ]
    )
    return times[:, card].astype(np.float64)


def average_precision(
    truth: Mask, scores: Scores, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average precision, (r,), under each of the weights, (r, n); NaN where no fraud has any.

    The area under the steps of precision over recall; equal scores are one step.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, known = scores[order], truth[order].astype(np.float64)
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    found: list[NDArray[np.float64]] = []
    for start in range(0, len(weights), _CHUNK):
        weight = weights[start : start + _CHUNK][:, order]
        hits = np.cumsum(weight * known, axis=1)[:, ends]
        taken = np.cumsum(weight, axis=1)[:, ends]
        steps = np.diff(hits, axis=1, prepend=0.0)
        precision = np.divide(hits, taken, out=np.zeros_like(hits), where=taken > 0)
        total = hits[:, -1]
        area = (steps * precision).sum(axis=1)
        found.append(np.divide(area, total, out=np.full_like(area, np.nan), where=total > 0))
    return np.concatenate(found)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95% of `values`, (r,), NaN left out."""
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)
