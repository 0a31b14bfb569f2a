"""The model over the wire format, asked by an unmodified client."""

import asyncio

import httpx2
import pytest
from openai import AsyncOpenAI

from portfolio_project.serving import ModelSlot
from portfolio_project.workflow.local_model import served

TICKET = "From: ada.berg@corp.example\n\nPlease cancel order 48213, it was a mistake."
TRIAGE = {
    "type": "function",
    "function": {"name": "triage", "parameters": {"type": "object", "properties": {}}},
}
LOOK = {
    "type": "function",
    "function": {
        "name": "get_order",
        "parameters": {
            "type": "object",
            "required": ["order_id"],
            "properties": {"order_id": {"type": "string", "pattern": r"^ORD-\d{5}$"}},
        },
    },
}
FINAL = {"type": "function", "function": {"name": "final_result", "parameters": {}}}


@pytest.fixture
def endpoint(model):
    slot = ModelSlot()
    slot.swap("v1", model)
    with served(slot) as made:
        yield made


async def _ask(endpoint, **given):
    messages = [{"role": "user", "content": TICKET}]
    async with AsyncOpenAI(base_url=endpoint.url, api_key=endpoint.key, max_retries=0) as client:
        create = client.chat.completions.create
        answer = await create(model="desk-policy", messages=messages, **given)
        return [chunk async for chunk in answer] if given.get("stream") else answer


def test_a_whole_answer_is_a_tool_call_stamped_with_the_model(endpoint, model):
    answer = asyncio.run(_ask(endpoint, tools=[TRIAGE]))

    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "triage"
    assert '"intent":"cancel_order"' in call.function.arguments
    assert answer.system_fingerprint == model.version


def test_the_next_call_is_filled_from_the_ticket(endpoint):
    answer = asyncio.run(_ask(endpoint, tools=[LOOK, FINAL]))

    function = answer.choices[0].message.tool_calls[0].function
    assert (function.name, function.arguments) == ("get_order", '{"order_id":"ORD-48213"}')


def test_a_streamed_answer_is_the_whole_one_in_pieces(endpoint):
    async def joined():
        name, arguments, ids = "", "", set()
        for chunk in await _ask(endpoint, tools=[LOOK, FINAL], stream=True):
            ids.add(chunk.id)
            for call in chunk.choices[0].delta.tool_calls or ():
                name += call.function.name or ""
                arguments += call.function.arguments or ""
        return name, arguments, ids

    whole = asyncio.run(_ask(endpoint, tools=[LOOK, FINAL]))
    name, arguments, ids = asyncio.run(joined())

    function = whole.choices[0].message.tool_calls[0].function
    assert (name, arguments, ids) == (function.name, function.arguments, {whole.id})


def test_a_tool_that_is_not_on_offer_is_never_called(endpoint):
    answer = asyncio.run(_ask(endpoint, tools=[FINAL]))

    assert answer.choices[0].message.tool_calls[0].function.name == "final_result"


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "no sender"}],
        [{"role": "user", "content": TICKET}, {"role": "tool", "content": "{}"}],
        [
            {"role": "user", "content": TICKET},
            {"role": "assistant", "tool_calls": [{"id": 1}]},
        ],
    ],
)
def test_a_conversation_that_cannot_be_continued_is_a_problem(endpoint, messages):
    answer = httpx2.post(
        f"{endpoint.url}/chat/completions",
        headers={"Authorization": f"Bearer {endpoint.key}"},
        json={"model": "m", "messages": messages, "tools": [FINAL]},
    )

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_endpoint_belongs_to_its_process(endpoint):
    assert httpx2.get(f"{endpoint.url}/models").status_code == 401
