"""What a version must show before it may serve."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .version import Version

GateCheck: TypeAlias = "Callable[[Version, Version | None], Sequence[str]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Conditions on one metric of the candidate's manifest.

    Attributes:
        metric: its name.
        at_least: lowest value accepted.
        at_most: highest value accepted.
        max_drop: how far it may fall below the champion's value (for a metric to maximise).
        max_rise: how far it may rise above the champion's value (for a metric to minimise).
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    max_drop: float | None = None
    max_rise: float | None = None

    def refusals(self, candidate: float | None, champion: float | None) -> list[str]:
        """Return a line for each condition that does not hold; none where all hold."""
        if candidate is None:
            return [f"{self.metric} is missing from its manifest"]
        return [
            f"{self.metric} {candidate:g} is {side} {limit:g}{why}"
            for side, limit, why in self._limits(champion)
            if (candidate < limit if side == "below" else candidate > limit)
        ]

    def _limits(self, champion: float | None) -> Iterator[tuple[str, float, str]]:
        if self.at_least is not None:
            yield "below", self.at_least, ""
        if self.at_most is not None:
            yield "above", self.at_most, ""
        if champion is None:
            return
        why = f", all that the champion's {champion:g} allows"
        if self.max_drop is not None:
            yield "below", champion - self.max_drop, why
        if self.max_rise is not None:
            yield "above", champion + self.max_rise, why


class Gate:
    """Thresholds that must all hold, against fixed limits and against the current champion."""

    def __init__(self, *thresholds: Threshold) -> None:
        """Keep the thresholds.

        Raises:
            ValueError: none was given; a gate that lets everything pass is no gate.
        """
        if not thresholds:
            raise ValueError("a gate needs a threshold")
        self.thresholds = thresholds

    def __call__(self, candidate: "Version", champion: "Version | None") -> list[str]:
        """Return why `candidate` may not replace `champion`; nothing when it may."""
        mine = candidate.manifest.metrics
        theirs = champion.manifest.metrics if champion else {}
        return [
            line
            for threshold in self.thresholds
            for line in threshold.refusals(mine.get(threshold.metric), theirs.get(threshold.metric))
        ]
