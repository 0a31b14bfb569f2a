"""Puts grades together into one report.

It holds no time and no random name, so equal runs give equal bytes; how long things took goes into
a file beside it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from ..policy_model.model import PolicyModel
from ..provenance import rounded, sha256_file
from . import baseline
from .dataset import PATH, SPLITS, Case
from .grade import Grade
from .statistics import pass_hat, wilson

_CURVE = 40
_ESCALATED = "escalated"


def build_report(
    cases: list[Case],
    free: list[Grade],
    shipped: list[Grade],
    model: PolicyModel,
    source: str,
) -> dict[str, Any]:
    """Return the report.

    Args:
        cases: the tickets.
        free: grades with the threshold off.
        shipped: grades at the shipped threshold.
        model: the project's own model.
        source: which model answered, and from where.
    """
    report: dict[str, Any] = rounded(
        {
            "schema": 1,
            "source": source,
            "model": model.version,
            "threshold": model.threshold,
            "dataset": PATH.name,
            "dataset_sha256": sha256_file(PATH),
            "splits": {
                "off": _splits(cases, free, 0.0),
                "shipped": _splits(cases, shipped, model.threshold),
            },
            "intents": _intents(cases, free),
            "kinds": _kinds(cases, free),
            "risk": _risk(cases, free),
            "calibration": _calibration(free),
            "baseline": _baseline(cases),
            "pass_hat": _pass_hat(cases, free),
            "violations": sum(len(g.violations) for g in [*free, *shipped]),
            "trace_faults": dict(sorted(Counter(f for g in free for f in g.trace).items())),
            "cases": [_row(c, g, s) for c, g, s in zip(cases, free, shipped, strict=True)],
        }
    )
    return report


def _by_split(cases: list[Case], grades: list[Grade]) -> dict[str, list[Grade]]:
    found: dict[str, list[Grade]] = {}
    for case, one in zip(cases, grades, strict=True):
        found.setdefault(case.split, []).append(one)
    return {split: found[split] for split in (*SPLITS, "perturbed") if split in found}


def _share(right: Iterable[bool]) -> dict[str, Any]:
    known = list(right)
    low, high = wilson(sum(known), len(known))
    return {"n": len(known), "right": sum(known), "share": sum(known) / max(len(known), 1)} | {
        "low": low,
        "high": high,
    }


def _splits(cases: list[Case], grades: list[Grade], threshold: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for split, mine in _by_split(cases, grades).items():
        acted = [g for g in mine if g.outcome != _ESCALATED]
        calls = [sum(e["kind"] == "tool" for e in g.story) for g in mine]
        found[split] = _share(g.right for g in mine) | {
            "covered": sum(g.confidence >= threshold for g in mine) / len(mine),
            "acted": len(acted) / len(mine),
            "right_when_acting": sum(g.right for g in acted) / max(len(acted), 1),
            "unsafe": sum(bool(g.unsafe) for g in mine),
            "unsafe_share": sum(bool(g.unsafe) for g in mine) / len(mine),
            "violations": sum(len(g.violations) for g in mine),
            "tool_calls": sum(calls) / len(calls),
        }
    return found


def _intents(cases: list[Case], grades: list[Grade]) -> dict[str, Any]:
    found: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for case, one in zip(cases, grades, strict=True):
        if case.split in SPLITS:
            name = "two requests" if case.task.second else case.task.intent
            found[name][case.split].append(one.right)
    return {
        name: {split: _share(right) for split, right in sorted(splits.items())}
        for name, splits in sorted(found.items())
    }


def _kinds(cases: list[Case], grades: list[Grade]) -> dict[str, Any]:
    found: dict[str, list[Grade]] = {}
    for case, one in zip(cases, grades, strict=True):
        if case.split in {"compositional", "adversarial"}:
            found.setdefault(f"{case.split}: {case.kind}", []).append(one)
    return {
        kind: _share(g.right for g in mine) | {"unsafe": sum(bool(g.unsafe) for g in mine)}
        for kind, mine in sorted(found.items())
    }


def _risk(cases: list[Case], grades: list[Grade]) -> list[dict[str, float]]:
    """Return, for held-out tickets, what acting from each confidence upwards would have meant."""
    mine = [g for c, g in zip(cases, grades, strict=True) if c.split == "held_out"]
    curve: list[dict[str, float]] = []
    for step in range(_CURVE + 1):
        threshold = step / _CURVE
        acted = [g for g in mine if g.confidence >= threshold]
        curve.append(
            {
                "threshold": threshold,
                "coverage": len(acted) / max(len(mine), 1),
                "risk": sum(not g.right for g in acted) / max(len(acted), 1),
                "unsafe": sum(bool(g.unsafe) for g in acted) / max(len(mine), 1),
            }
        )
    return curve


def _calibration(grades: list[Grade]) -> list[dict[str, float]]:
    bins: dict[int, list[Grade]] = {}
    for one in grades:
        bins.setdefault(min(int(one.confidence * 10), 9), []).append(one)
    return [
        {
            "n": len(mine),
            "confidence": sum(g.confidence for g in mine) / len(mine),
            "right": sum(g.right for g in mine) / len(mine),
        }
        for _, mine in sorted(bins.items())
    ]


def _baseline(cases: list[Case]) -> dict[str, Any]:
    return {
        split: _share(baseline.is_right(c) for c in cases if c.split == split)
        for split in SPLITS
        if any(c.split == split for c in cases)
    }


def _pass_hat(cases: list[Case], grades: list[Grade]) -> dict[str, float]:
    groups: dict[str, list[bool]] = {}
    for case, one in zip(cases, grades, strict=True):
        if case.split in {"held_out", "perturbed"}:
            groups.setdefault(case.group, []).append(one.right)
    repeated = [g for g in groups.values() if len(g) > 1]
    return {str(k): pass_hat(repeated, k) for k in range(1, max(map(len, repeated), default=0) + 1)}


def _row(case: Case, free: Grade, shipped: Grade) -> dict[str, Any]:
    return {
        "id": case.id,
        "split": case.split,
        "kind": case.kind,
        "text": case.text,
        "requester": case.task.requester,
        "wanted": "two requests" if case.task.second else case.task.intent,
        "expected": {"outcome": case.outcome, "changes": list(case.changes)},
        "intent": free.intent,
        "confidence": free.confidence,
        "outcome": free.outcome,
        "right": free.right,
        "right_shipped": shipped.right,
        "escalated_shipped": shipped.outcome == _ESCALATED,
        "unsafe": list(free.unsafe),
        "unsafe_shipped": list(shipped.unsafe),
        "violations": [*free.violations, *shipped.violations],
        "trace": list(free.trace),
        "story": list(free.story),
        "changes": list(free.changes),
    }
