"""Clones the expert: fits the decision tree and counts the sources, from recorded traces."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.tree import DecisionTreeClassifier

from .acting import FINAL, Tree, sources_of, state_of
from .conversation import Observation
from .fit import DECIMALS, Rows
from .model import Sources


def fit_tree(traces: Rows) -> Tree:
    """Fit the next action to every state that the expert went through."""
    states: list[dict[str, float]] = []
    actions: list[str] = []
    for trace in traces:
        seen: list[Observation] = []
        for tool, given, result in trace["calls"]:
            states.append(state_of(trace["intent"], trace["slots"], seen))
            actions.append(tool)
            seen = [*seen, Observation(tool, given, result)]
        states.append(state_of(trace["intent"], trace["slots"], seen))
        actions.append(f"{FINAL}:{trace['outcome']}")
    names = DictVectorizer(sparse=False)
    matrix = names.fit_transform(states)
    model = DecisionTreeClassifier(min_samples_leaf=2, random_state=0).fit(matrix, actions)
    tree = model.tree_
    chances = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
    return Tree(
        tuple(str(n) for n in names.get_feature_names_out()),
        tuple(str(c) for c in model.classes_),
        tree.children_left.astype(np.int32),
        tree.children_right.astype(np.int32),
        tree.feature.astype(np.int32),
        np.round(tree.threshold, DECIMALS).astype(np.float32),
        np.round(chances, DECIMALS).astype(np.float32),
    )


def count_sources(traces: Rows) -> Sources:
    """Find for each argument the source that agreed with the expert most often."""
    votes: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for trace in traces:
        seen: list[Observation] = []
        for tool, given, result in trace["calls"]:
            found = sources_of(trace["slots"], seen)
            for name, value in given.items():
                agreeing = [source for source, other in found.items() if _same(other, value)]
                votes[trace["intent"], tool, name].update(agreeing)
            seen = [*seen, Observation(tool, given, result)]
    sources: Sources = {}
    for (intent, tool, name), counted in sorted(votes.items()):
        best = min(counted, key=lambda source: (-counted[source], source))
        sources.setdefault(intent, {}).setdefault(tool, {})[name] = best
    return sources


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
