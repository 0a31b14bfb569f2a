"""Fits the reader on the corpus. scikit-learn is needed here only; what it finds is exported."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from .features import Segment, pointer_features, segment_features, segments, text_features
from .linear import Linear, vector
from .reading import (
    CLASSIFIED,
    POINTED,
    Reader,
    candidates,
    requested,
    several_features,
    transformed,
    weight_at,
)

DECIMALS = 4
WRITING = frozenset(
    {
        "refund",
        "partial_refund",
        "access",
        "purchase",
        "cancel_order",
    }
)
FOLDS = 4
Rows = list[dict[str, Any]]


def fit_linear(
    features: Sequence[Sequence[str]], labels: Sequence[str], strength: float, rare: int = 2
) -> Linear:
    """Fit one classifier; features seen in fewer than `rare` examples are left out."""
    seen = Counter(name for names in features for name in set(names))
    kept = sorted(name for name, count in seen.items() if count >= rare)
    vocabulary = {name: at for at, name in enumerate(kept)}
    counts = np.array([seen[name] for name in kept], np.float64)
    scale = np.round(np.log((1 + len(features)) / (1 + counts)) + 1, DECIMALS).astype(np.float32)
    matrix = _matrix(features, vocabulary, scale)
    model = LogisticRegression(C=strength, max_iter=120, tol=1e-3)
    model.fit(matrix, list(labels))
    weights, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        weights, bias = np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return Linear(
        tuple(str(c) for c in model.classes_),
        vocabulary,
        scale,
        np.round(weights.T, DECIMALS).astype(np.float32) + np.float32(0),
        np.round(bias, DECIMALS).astype(np.float32) + np.float32(0),
    )


def _matrix(
    features: Sequence[Sequence[str]], vocabulary: dict[str, int], scale: Any
) -> csr_matrix:
    starts, columns, values = [0], [], []
    for names in features:
        rows, numbers = vector(names, vocabulary, scale)
        columns.append(rows)
        values.append(numbers)
        starts.append(starts[-1] + len(rows))
    return csr_matrix(
        (np.concatenate(values), np.concatenate(columns), starts),
        shape=(len(features), len(vocabulary)),
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """A reader, the confidence from which it may act, and what was measured on unseen phrases."""

    reader: Reader
    threshold: float
    report: dict[str, float]


def fit_reader(rows: Rows, wrong: float) -> Fitted:
    """Fit every part, and the confidence on readings of phrases that the reader did not see.

    Args:
        rows: the corpus.
        wrong: the share of all tickets that may be acted on with a wrong reading that writes.
    """
    folds = _folds(rows)
    evidence: list[list[float]] = []
    right: list[int] = []
    risky: list[int] = []
    for fold in range(FOLDS):
        seen = [r for r, f in zip(rows, folds, strict=True) if f != fold]
        unseen = [r for r, f in zip(rows, folds, strict=True) if f == fold]
        reader = _fit_parts(seen)
        for row in unseen:
            reading = reader.read(row["text"], row["requester"])
            evidence.append(transformed(reading.evidence))
            right.append(int(is_right(row, reading.intent, reading.slots)))
            risky.append(int(not right[-1] and reading.intent in WRITING))
    reader = _fit_parts(rows)
    model = LogisticRegression(C=0.5, max_iter=500).fit(np.array(evidence), right)
    reader.certainty = np.round(np.concatenate([model.coef_[0], model.intercept_]), DECIMALS)
    sure = np.array([reader.confidence(e) for e in evidence])
    good = np.array(right)
    threshold = lowest_threshold(sure, np.array(risky), wrong)
    acted = sure >= threshold
    report = {
        "right_unseen_phrases": float(good.mean()),
        "threshold": threshold,
        "coverage": float(acted.mean()),
        "right_when_acting": float(good[acted].mean()) if acted.any() else 0.0,
        "risky_when_acting": float(np.array(risky)[acted].sum() / len(good)),
        "calibration_error": calibration_error(sure, good),
    }
    return Fitted(reader, threshold, report)


def lowest_threshold(sure: Any, risky: Any, wrong: float) -> float:
    """Return the lowest confidence from which risky readings are at most `wrong` of all tickets."""
    order = np.argsort(-sure, kind="stable")
    allowed = np.nonzero(np.cumsum(risky[order]) <= wrong * len(order))[0]
    return float(sure[order[allowed[-1]]]) if len(allowed) else 1.0


def calibration_error(sure: Any, good: Any, bins: int = 10) -> float:
    """Return the expected calibration error: how far confidence and accuracy lie apart, 0 to 1."""
    at = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        abs(float(sure[at == b].mean() - good[at == b].mean())) * float((at == b).mean())
        for b in range(bins)
        if (at == b).any()
    ]
    return sum(gaps)


def is_right(row: dict[str, Any], intent: str, slots: dict[str, Any]) -> bool:
    """Say whether intent and facts are those of the example."""
    return bool(intent == row["intent"] and slots == row["slots"])


def _folds(rows: Rows) -> list[int]:
    """Give each request phrase, not each ticket, a fold: a fold's phrases are new to the rest."""
    number = {name: at for at, name in enumerate(sorted({r["phrase"] for r in rows}))}
    return [number[r["phrase"]] % FOLDS for r in rows]


def _fit_parts(rows: Rows) -> Reader:
    cut = [segments(row["text"]) for row in rows]
    gold = [
        [_overlaps(s, row["spans"]) for s in found] for row, found in zip(rows, cut, strict=True)
    ]
    asked = fit_linear(
        [segment_features(found, at) for found in cut for at in range(len(found))],
        [str(int(flag)) for flags in gold for flag in flags],
        8.0,
    )
    weights = [
        [float(asked.probabilities(segment_features(found, at))[1]) for at in range(len(found))]
        for found in cut
    ]
    texts = [text_features(requested(f, w)) for f, w in zip(cut, weights, strict=True)]
    single = [at for at, row in enumerate(rows) if not row["two"]]
    intent = fit_linear([texts[at] for at in single], [rows[at]["intent"] for at in single], 20.0)
    several = fit_linear(
        [several_features(f, w, intent) for f, w in zip(cut, weights, strict=True)],
        [str(int(row["two"])) for row in rows],
        4.0,
    )
    classified = {
        name: _fit_classified(rows, texts, kind, name)
        for kind, names in CLASSIFIED.items()
        for name in names
    }
    kinds = sorted({kind for names in POINTED.values() for kind in names})
    pointers = {kind: _fit_pointer(rows, cut, weights, kind) for kind in kinds}
    return Reader(asked, several, intent, classified, pointers, np.zeros(10))


def _overlaps(segment: Segment, spans: Iterable[Sequence[int]]) -> bool:
    middle = (segment.start + segment.end) / 2
    return any(start <= middle < end for start, end in spans)


def _fit_classified(rows: Rows, texts: Sequence[Sequence[str]], intent: str, name: str) -> Linear:
    mine = [
        (t, r["slots"][name]) for t, r in zip(texts, rows, strict=True) if r["intent"] == intent
    ]
    return fit_linear([t for t, _ in mine], [v for _, v in mine], 20.0)


def _fit_pointer(
    rows: Rows, cut: list[list[Segment]], weights: list[list[float]], kind: str
) -> Linear:
    # One bare example of each answer, for a small corpus may hold only one of them.
    features: list[list[str]] = [[], []]
    labels = ["0", "1"]
    for row, found, chances in zip(rows, cut, weights, strict=True):
        if kind not in POINTED.get(row["intent"], ()):
            continue
        options = candidates(kind, row["text"], row["requester"])
        for at, option in enumerate(options):
            asked = weight_at(option, found, chances)
            features.append(
                pointer_features(row["text"], option, at, len(options), row["intent"], asked)
            )
            labels.append(str(int(option.value == row["slots"].get(kind))))
    return fit_linear(features, labels, 4.0)
