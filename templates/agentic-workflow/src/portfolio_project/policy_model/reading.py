"""Reads a ticket: which sentences ask, what they ask for, and with which facts."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..tickets.task import NEEDED
from .candidates import KINDS, Candidate, find
from .features import Segment, pointer_features, segment_features, segments, text_features
from .linear import Linear

POINTED = {
    "refund": ("order_id",),
    "partial_refund": ("order_id", "amount"),
    "access": ("email",),
    "purchase": ("quantity",),
    "cancel_order": ("order_id",),
    "order_status": ("order_id",),
    "ticket_status": ("ticket_id",),
}
"""Facts that are pointed at in the text, by intent; others are classified."""
CLASSIFIED = {"access": ("system", "role"), "purchase": ("item",)}
ASKED = 0.35
POINTED_AT = 0.5


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: intent, facts, and how sure the reader is of all of it together."""

    intent: str
    slots: dict[str, Any]
    confidence: float
    evidence: tuple[float, ...]


@dataclass(slots=True)
class Reader:
    """The trained parts that read.

    Attributes:
        asked: says of a sentence whether it asks.
        several: says whether more than one thing is asked.
        intent: says what is asked.
        classified: fact -> classifier of its value.
        pointers: kind of candidate -> classifier of "is the one".
        certainty: weights of `evidence`, then the bias; gives the calibrated confidence.
    """

    asked: Linear
    several: Linear
    intent: Linear
    classified: dict[str, Linear]
    pointers: dict[str, Linear]
    certainty: np.ndarray[Any, Any]

    def read(self, text: str, sender: str) -> Reading:
        """Read one ticket sent by `sender`."""
        found = segments(text)
        weights = [self._asked(found, at) for at in range(len(found))]
        request = requested(found, weights)
        features = text_features(request)
        chances = self.intent.probabilities(features)
        order = np.argsort(-chances, kind="stable")
        intent = self.intent.classes[int(order[0])]
        two = float(self.several.probabilities(several_features(found, weights, self.intent))[1])
        if two > 0.5:
            intent = "other"
        slots: dict[str, Any] = {}
        sure: list[float] = []
        for name in CLASSIFIED.get(intent, ()):
            odds = self.classified[name].probabilities(features)
            slots[name] = self.classified[name].classes[int(odds.argmax())]
            sure.append(float(odds.max()))
        for kind in POINTED.get(intent, ()):
            value, chance = self._point(kind, text, sender, intent, found, weights)
            if value is not None:
                slots[kind] = value
            sure.append(chance)
        if intent == "purchase":
            slots.setdefault("quantity", 1)
        evidence = (
            float(chances[order[0]]),
            float(chances[order[0]] - chances[order[1]]),
            min(sure, default=1.0),
            float(np.prod(sure)) if sure else 1.0,
            max(weights),
            _doubt(weights),
            abs(two - 0.5) * 2,
            self.intent.known([f for f in features if f[0] == "w"]),
            float(all(name in slots for name in NEEDED[intent])),
        )
        return Reading(intent, slots, self.confidence(transformed(evidence)), evidence)

    def _asked(self, found: list[Segment], at: int) -> float:
        return float(self.asked.probabilities(segment_features(found, at))[1])

    def _point(  # noqa: PLR0913, PLR0917
        self,
        kind: str,
        text: str,
        sender: str,
        intent: str,
        found: list[Segment],
        weights: list[float],
    ) -> tuple[Any, float]:
        """Return the value pointed at and the chance that it is right; None where none is meant."""
        options = candidates(kind, text, sender)
        odds = [
            float(
                self.pointers[kind].probabilities(
                    pointer_features(
                        text, option, at, len(options), intent, weight_at(option, found, weights)
                    )
                )[1]
            )
            for at, option in enumerate(options)
        ]
        if not odds or max(odds) < POINTED_AT:
            return (sender if kind == "email" else None), 1.0 - max(odds, default=0.0)
        best = int(np.argmax(odds))
        rivals = [o for o, c in zip(odds, options, strict=True) if c.value != options[best].value]
        return options[best].value, odds[best] * (1.0 - max(rivals, default=0.0))

    def confidence(self, odds: list[float]) -> float:
        """Return the probability, 0 to 1, that a reading with this evidence is right."""
        score = float(np.dot(self.certainty[:-1], odds) + self.certainty[-1])
        return round(float(1 / (1 + np.exp(-score))), 4)


def transformed(evidence: tuple[float, ...]) -> list[float]:
    """Return evidence as the confidence model takes it: chances as log odds."""
    clipped = np.clip(np.array(evidence), 0.002, 0.998)
    return [float(x) for x in np.log(clipped / (1 - clipped))]


def requested(found: list[Segment], weights: list[float]) -> str:
    """Return the sentences that ask; the likeliest one where none seems to."""
    floor = min(ASKED, max(weights))
    return "\n".join(s.text.strip() for s, w in zip(found, weights, strict=True) if w >= floor)


def candidates(kind: str, text: str, sender: str) -> list[Candidate]:
    """Return the candidates of a kind; the sender's own address is none."""
    assert kind in KINDS
    return [c for c in find(kind, text) if c.value != sender]


def several_features(found: list[Segment], weights: list[float], intent: Linear) -> list[str]:
    """Return features that tell whether more than one thing is asked: what each sentence asks."""
    asking = [at for at, weight in enumerate(weights) if weight >= ASKED]
    said: list[str] = []
    for at in asking:
        chances = intent.probabilities(text_features(found[at].text))
        sure = "sure" if chances.max() > 0.6 else "maybe"
        said.append(f"{intent.classes[int(chances.argmax())]}:{sure}")
    opening = [found[at].text.split()[0].lower() for at in range(len(found))]
    return [
        f"asking:{min(len(asking), 4)}",
        f"kinds:{len({s.partition(':')[0] for s in said if s.endswith('sure')})}",
        f"apart:{any(b - a > 1 for a, b in pairwise(asking))}",
        *(f"said:{a}|{b}" for a, b in pairwise(said)),
        *(f"opens:{opening[at]}" for at in asking[1:]),
        *(
            f"gap:{'line' if found[b].start - found[a].end else 'same'}"
            for a, b in pairwise(asking)
        ),
    ]


def weight_at(candidate: Candidate, found: list[Segment], weights: list[float]) -> float:
    """Return how likely the sentence around a candidate asks, 0 to 1."""
    for segment, weight in zip(found, weights, strict=True):
        if segment.start <= candidate.start < segment.end:
            return weight
    return 0.0


def _doubt(weights: list[float]) -> float:
    """Return how clear it is which sentences ask: 1 where each is surely one or the other."""
    return float(min(abs(w - 0.5) * 2 for w in weights))
