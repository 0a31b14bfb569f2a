"""Reads a chat-completions conversation: the ticket, and what the tools have answered so far."""

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

_SENDER = re.compile(r"^From: (\S+@\S+)\s*\n\s*\n(.*)\Z", re.DOTALL)


class UnreadableError(ValueError):
    """The conversation is not one that this model can continue; the message says why."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One tool call and its result."""

    tool: str
    arguments: dict[str, Any]
    result: dict[str, Any]


@dataclass(slots=True)
class Conversation:
    """A ticket, who sent it, and what was tried."""

    sender: str
    text: str
    observations: list[Observation] = field(default_factory=list)


def parse(messages: list[dict[str, Any]]) -> Conversation:
    """Return what a list of chat messages holds.

    Raises:
        UnreadableError: there is no ticket in it, or a message is malformed.
    """
    ticket = next((m for m in messages if m.get("role") == "user"), None)
    found = _SENDER.match(_text(ticket or {}))
    if found is None:
        raise UnreadableError("the first user message must be 'From: ADDRESS', a blank line, text")
    conversation = Conversation(found[1].lower(), found[2])
    calls: dict[str, tuple[str, dict[str, Any]]] = {}
    for message in messages:
        if message.get("role") == "assistant":
            calls |= {c["id"]: _call(c) for c in message.get("tool_calls") or ()}
        elif message.get("role") == "tool":
            name = str(message.get("tool_call_id"))
            if name not in calls:
                raise UnreadableError(f"no call has the id {name[:40]}")
            conversation.observations.append(Observation(*calls[name], _result(_text(message))))
    return conversation


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content)


def _call(call: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    function = call["function"]
    given = _object(function.get("arguments") or "{}")
    return str(function["name"]), given or {}


def _result(text: str) -> dict[str, Any]:
    return _object(text) or {"error": "text"}


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
