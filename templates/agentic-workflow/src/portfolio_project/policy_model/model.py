"""The policy model: a conversation and the tools on offer in, one tool call out."""

import re
from dataclasses import dataclass
from typing import Any

from .acting import FINAL, Tree, fill, sources_of, state_of
from .conversation import Conversation, parse
from .reading import Reader, Reading

TRIAGE = "triage"
Sources = dict[str, dict[str, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Call:
    """The tool call that the model makes."""

    tool: str
    arguments: dict[str, Any]


class NoToolError(ValueError):
    """None of the tools on offer fits; this model only ever calls tools."""


@dataclass(slots=True)
class PolicyModel:
    """Reader and tree. `sources[intent][tool][argument]` names where an argument comes from.

    `threshold` is the confidence below which a person should take over.
    """

    reader: Reader
    tree: Tree
    sources: Sources
    threshold: float
    version: str = "unversioned"

    def answer(self, messages: list[dict[str, Any]], tools: dict[str, dict[str, Any]]) -> Call:
        """Return the next call.

        Args:
            messages: the conversation, as chat-completions messages.
            tools: name -> JSON Schema of its arguments, of the tools on offer.

        Raises:
            UnreadableError: the conversation holds no ticket.
            NoToolError: no tool on offer fits.
        """
        talk = parse(messages)
        reading = self.reader.read(talk.text, talk.sender)
        if TRIAGE in tools:
            return Call(TRIAGE, {"confidence": reading.confidence, "intent": reading.intent})
        return self._next(talk, reading, tools)

    def _next(self, talk: Conversation, reading: Reading, tools: dict[str, dict[str, Any]]) -> Call:
        state = state_of(reading.intent, reading.slots, talk.observations)
        found = sources_of(reading.slots, talk.observations)
        for action in self.tree.ranked(state):
            tool, _, outcome = action.partition(":")
            if tool not in tools:
                continue
            if tool == FINAL:
                return Call(FINAL, {"outcome": outcome})
            wanted = self.sources.get(reading.intent, {}).get(tool, {})
            given = fill(wanted, found, tools[tool])
            if given is not None and valid(given, tools[tool]):
                return Call(tool, given)
        if FINAL in tools:
            return Call(FINAL, {"outcome": "escalated"})
        raise NoToolError("offer the tool final_result or triage")


def valid(given: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Say whether arguments are within a tool's schema: enumerations, patterns, bounds."""
    properties = schema.get("properties", {})
    return all(_fits(value, resolve(properties[name], schema)) for name, value in given.items())


def _fits(value: Any, rule: dict[str, Any]) -> bool:
    if "enum" in rule:
        return value in rule["enum"]
    if isinstance(value, str):
        return re.fullmatch(rule.get("pattern", ".*"), value) is not None
    return bool(rule.get("minimum", value) <= value <= rule.get("maximum", value))


def resolve(rule: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the schema's own definitions."""
    if "$ref" in rule:
        found: dict[str, Any] = schema["$defs"][rule["$ref"].rpartition("/")[2]]
        return found
    return rule
