"""Chooses the next call: a decision tree over the state, cloned from the expert's traces.

Where an argument comes from was counted in the traces too: a fact that was read, or a field of an
earlier result.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .conversation import Observation

FINAL = "final_result"
_TOLD = frozenset({"status", "error", "state"})


@dataclass(slots=True)
class Tree:
    """A decision tree as arrays; node 0 is the root and a leaf has left = -1.

    Attributes:
        features: names of the state's numbers, in the order of `feature`.
        classes: the actions.
        left, right, feature, threshold: (nodes,).
        chances: (nodes, classes).
    """

    features: tuple[str, ...]
    classes: tuple[str, ...]
    left: np.ndarray[Any, Any]
    right: np.ndarray[Any, Any]
    feature: np.ndarray[Any, Any]
    threshold: np.ndarray[Any, Any]
    chances: np.ndarray[Any, Any]

    def probabilities(self, state: dict[str, float]) -> np.ndarray[Any, Any]:
        """Return the probability of each action in a state."""
        node = 0
        while self.left[node] >= 0:
            value = state.get(self.features[self.feature[node]], 0.0)
            node = int(self.left[node] if value <= self.threshold[node] else self.right[node])
        row: np.ndarray[Any, Any] = self.chances[node]
        return row

    def ranked(self, state: dict[str, float]) -> list[str]:
        """Return the actions that are possible in a state, likeliest first."""
        chances = self.probabilities(state)
        order = np.argsort(-chances, kind="stable")
        return [self.classes[int(i)] for i in order if chances[i] > 0]


def state_of(
    intent: str, slots: dict[str, Any], observations: list[Observation]
) -> dict[str, float]:
    """Return a state as named numbers."""
    state: dict[str, float] = {f"intent={intent}": 1.0, "calls": float(len(observations))}
    state |= {f"has={name}": 1.0 for name in slots}
    state[f"last={observations[-1].tool if observations else 'none'}"] = 1.0
    for seen in observations:
        for name, value in seen.result.items():
            if isinstance(value, bool):
                state[f"{seen.tool}.{name}"] = float(value)
            elif name in _TOLD:
                state[f"{seen.tool}.{name}={value}"] = 1.0
    # What the last call said counts the same whichever tool it was: a no is a no.
    for name in _TOLD & (observations[-1].result.keys() if observations else set()):
        state[f"last.{name}={observations[-1].result[name]}"] = 1.0
    return state


def sources_of(slots: dict[str, Any], observations: list[Observation]) -> dict[str, Any]:
    """Return every value that an argument could be taken from, by name."""
    found = {f"slot.{name}": value for name, value in slots.items()}
    for seen in observations:
        found |= {f"{seen.tool}.{name}": value for name, value in seen.result.items()}
    return found


def fill(
    wanted: dict[str, str], found: dict[str, Any], schema: dict[str, Any]
) -> dict[str, Any] | None:
    """Return arguments that the tool's schema accepts, or None where one is missing."""
    given: dict[str, Any] = {}
    for name in schema.get("properties", {}):
        if name in wanted and wanted[name] in found:
            given[name] = found[wanted[name]]
        elif name in schema.get("required", ()):
            return None
    return given
