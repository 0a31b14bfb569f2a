"""Serves the model as an OpenAI-compatible endpoint: chat completions, streamed or whole."""

import re
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ..provenance import canonical_json, sha256_json
from ..serving import ModelSlot, Problem, require_scope
from .conversation import UnreadableError
from .model import Call, NoToolError, PolicyModel

NAME = "desk-policy"
_PIECE = 16


class Function(BaseModel):
    """A function that the model may call."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    parameters: dict[str, Any] = Field(default_factory=dict)


class Tool(BaseModel):
    """A tool on offer."""

    type: Literal["function"] = "function"
    function: Function


class Message(BaseModel):
    """A message of the conversation; members that this model does not read are passed over."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None


class ChatRequest(BaseModel):
    """A request for a chat completion, as far as this model reads it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": NAME,
                    "messages": [
                        {
                            "role": "user",
                            "content": "From: ada.berg@corp.example\n\nWhere is order 48213?",
                        }
                    ],
                    "tools": [{"type": "function", "function": {"name": "triage"}}],
                }
            ]
        }
    )

    model: Annotated[str, Field(max_length=120)] = NAME
    messages: Annotated[list[Message], Field(min_length=1, max_length=200)]
    tools: Annotated[list[Tool], Field(max_length=64)] = Field(default_factory=list)
    stream: Annotated[bool, Field(strict=True)] = False


def wire_router(slot: ModelSlot[PolicyModel]) -> APIRouter:
    """Return /chat/completions and /models, for callers with the scope `model`."""
    return _router(slot, [Depends(require_scope("model"))])


def bare_router(slot: ModelSlot[PolicyModel]) -> APIRouter:
    """Return the same routes without a scope, for a server that has a lock of its own."""
    return _router(slot, [])


def _router(slot: ModelSlot[PolicyModel], dependencies: list[Any]) -> APIRouter:
    router = APIRouter(tags=["model"], dependencies=dependencies)

    @router.get("/models", summary="Which models are there?")
    async def list_models() -> dict[str, Any]:
        with slot.lease() as served:
            entry = {"id": NAME, "object": "model", "owned_by": "local", "created": 0}
            return {"object": "list", "data": [{**entry, "version": served.version}]}

    @router.post(
        "/chat/completions",
        summary="Continue a conversation with a tool call",
        responses={200: {"content": {"text/event-stream": {"itemSchema": {"type": "object"}}}}},
    )
    async def complete_chat(request: ChatRequest) -> Response:
        with slot.lease() as served:
            body = completion(served.model, request)
        if request.stream:
            return StreamingResponse(_streamed(body), media_type="text/event-stream")
        return Response(orjson.dumps(body), media_type="application/json")

    return router


def completion(model: PolicyModel, request: ChatRequest) -> dict[str, Any]:
    """Return the whole completion. Everything in it follows from model and request.

    Raises a 400 Problem for a conversation that this model can't continue.
    """
    messages = [m.model_dump() for m in request.messages]
    tools = {t.function.name: t.function.parameters for t in request.tools}
    try:
        call = model.answer(messages, tools)
    except (UnreadableError, NoToolError, KeyError, TypeError) as error:
        detail = str(error) if isinstance(error, ValueError) else "A tool call is malformed."
        raise Problem(400, detail=detail, type="urn:problem:conversation") from None
    digest = sha256_json([model.version, messages, tools])
    spent, made = _tokens(messages), _tokens(call.arguments) + 1
    return {
        "id": f"chatcmpl-{digest[:24]}",
        "object": "chat.completion",
        "created": 0,
        "model": request.model,
        "system_fingerprint": model.version,
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": _message(call, digest)}],
        "usage": {
            "prompt_tokens": spent,
            "completion_tokens": made,
            "total_tokens": spent + made,
        },
    }


def _message(call: Call, digest: str) -> dict[str, Any]:
    function = {"name": call.tool, "arguments": canonical_json(call.arguments).decode()}
    made = {"id": f"call_{digest[24:44]}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [made]}


def _tokens(value: Any) -> int:
    """Count words and signs: this model has no other tokens."""
    return len(re.findall(r"\w+|[^\w\s]", canonical_json(value).decode()))


async def _streamed(body: dict[str, Any]) -> AsyncGenerator[bytes]:
    async for chunk in _chunks(body):
        yield b"data: " + orjson.dumps(chunk) + b"\n\n"
    yield b"data: [DONE]\n\n"


async def _chunks(body: dict[str, Any]) -> AsyncIterable[dict[str, Any]]:
    frame = {k: body[k] for k in ("id", "created", "model", "system_fingerprint")}
    frame["object"] = "chat.completion.chunk"

    def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {**frame, "choices": [choice], **more}

    made = body["choices"][0]["message"]["tool_calls"][0]
    name, arguments = made["function"]["name"], made["function"]["arguments"]
    opening = {**made, "index": 0, "function": {"name": name, "arguments": ""}}
    yield chunk({"role": "assistant", "tool_calls": [opening]})
    for at in range(0, len(arguments), _PIECE):
        piece = {"index": 0, "function": {"arguments": arguments[at : at + _PIECE]}}
        yield chunk({"tool_calls": [piece]})
    yield chunk({}, "tool_calls", usage=body["usage"])
