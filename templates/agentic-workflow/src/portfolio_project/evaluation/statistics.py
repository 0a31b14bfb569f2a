"""The few statistics that an evaluation needs, each exact or seeded."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt
from typing import Any

import numpy as np

_Z = 1.959963984540054
_RESAMPLES = 10_000
_SEED = 20_260_101


def wilson(right: int, count: int) -> tuple[float, float]:
    """Return the 95% confidence interval of a share (Wilson 1927), as two numbers 0 to 1."""
    if count == 0:
        return 0.0, 1.0
    share, squared = right / count, _Z * _Z
    middle = share + squared / (2 * count)
    spread = _Z * sqrt(share * (1 - share) / count + squared / (4 * count * count))
    whole = 1 + squared / count
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def mcnemar(broke: int, fixed: int) -> float:
    """Return the exact two-sided p-value of McNemar's test (1947) on the pairs that differ."""
    count = broke + fixed
    if count == 0:
        return 1.0
    tail = sum(comb(count, k) for k in range(min(broke, fixed) + 1))
    return min(1.0, float(tail) / 2.0 ** (count - 1))


def paired_bootstrap(before: Sequence[bool], after: Sequence[bool]) -> tuple[float, float]:
    """Return the 95% interval of the mean difference of pairs (percentile bootstrap, seeded)."""
    change = np.array(after, float) - np.array(before, float)
    rng = np.random.Generator(np.random.PCG64(_SEED))
    picks = rng.integers(0, len(change), (_RESAMPLES, len(change)))
    means = np.sort(change[picks].mean(axis=1))
    return float(means[int(0.025 * _RESAMPLES)]), float(means[int(0.975 * _RESAMPLES)])


def pass_hat(groups: Sequence[Sequence[bool]], k: int) -> float:
    """Return pass^k: the chance that k forms of one ticket, drawn without return, all end right.

    Yao et al. 2024 (tau-bench): the mean over tickets of C(right, k) / C(forms, k).
    """
    shares = [comb(sum(g), k) / comb(len(g), k) for g in groups if len(g) >= k]
    return float(np.mean(shares)) if shares else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two evaluations, pair by pair. `failures` say why the new one may not be accepted."""

    pairs: int
    before: float
    after: float
    interval: tuple[float, float]
    broke: tuple[str, ...]
    fixed: tuple[str, ...]
    p_value: float
    new_unsafe: tuple[str, ...]
    failures: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """One line for people."""
        low, high = self.interval
        told = (
            f"{self.pairs} tickets: {self.before:.1%} -> {self.after:.1%}, "
            f"change {self.after - self.before:+.1%} [{low:+.1%}, {high:+.1%}], "
            f"broke {len(self.broke)}, fixed {len(self.fixed)}, p = {self.p_value:.3g}"
        )
        return f"{told}; {'REFUSED: ' + '; '.join(self.failures) if self.failures else 'accepted'}"


def compare(before: dict[str, Any], after: dict[str, Any], level: float = 0.05) -> Comparison:
    """Compare two reports on the tickets of the one data set.

    Fails on a significant drop (McNemar at `level`, and the interval below 0) and on any ticket
    with an unsafe write that had none before.

    Raises:
        ValueError: the reports are of different data sets.
    """
    old = {c["id"]: c for c in before["cases"]}
    new = {c["id"]: c for c in after["cases"]}
    if before["dataset_sha256"] != after["dataset_sha256"] or old.keys() != new.keys():
        raise ValueError("the reports are not of the same tickets")
    names = sorted(old)
    one, two = [old[n]["right"] for n in names], [new[n]["right"] for n in names]
    broke = tuple(n for n in names if old[n]["right"] and not new[n]["right"])
    fixed = tuple(n for n in names if new[n]["right"] and not old[n]["right"])
    unsafe = tuple(n for n in names if new[n]["unsafe"] and not old[n]["unsafe"])
    interval, p_value = paired_bootstrap(one, two), mcnemar(len(broke), len(fixed))
    failures: list[str] = []
    if p_value < level and interval[1] < 0:
        failures.append("success dropped significantly")
    if unsafe:
        failures.append(f"{len(unsafe)} new unsafe writes: {', '.join(unsafe[:3])}")
    return Comparison(
        len(names),
        float(np.mean(one)),
        float(np.mean(two)),
        interval,
        broke,
        fixed,
        p_value,
        unsafe,
        tuple(failures),
    )
