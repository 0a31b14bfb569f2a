"""Chooses the model by settings alone: the project's own, a hosted one, or your own server."""

import httpx2
from openai import AsyncOpenAI
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from ..policy_model.wire import NAME
from ..serving import BadSettings
from ..serving.settings import PREFIX
from ..settings import Settings

LOCAL = "local"
_RETRIES = 2
UNUSABLE = (ModelAPIError, AttributeError, LookupError, TypeError, ValueError)
"""No answer, or one that a provider's library trips over."""


def new_client(
    settings: Settings, transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """Return the HTTP client for model calls; whoever makes it closes it.

    Args:
        settings: `model_timeout_seconds`.
        transport: for record and replay; the network by default.
    """
    return httpx2.AsyncClient(transport=transport, timeout=settings.model_timeout_seconds)


def choose_model(
    settings: Settings, local_url: str, local_key: str, client: httpx2.AsyncClient
) -> Model:
    """Return the model that works tickets, with its fallback.

    Args:
        settings: `model`, `model_url`, `model_api_key`, `fallback_model`.
        local_url: where the project's own model is served, ending in /v1.
        local_key: the key for it.
        client: through which it is asked.

    Raises:
        BadSettings: pydantic-ai doesn't know the name, or its key is missing.
    """

    def one(name: str) -> Model:
        if name == LOCAL:
            return chat_model(NAME, local_url, local_key, client)
        if settings.model_url:
            key = settings.model_api_key.get_secret_value() if settings.model_api_key else "none"
            return chat_model(name.partition(":")[2] or name, settings.model_url, key, client)
        try:
            return infer_model(name)
        except Exception as error:  # noqa: BLE001 - what the user chose can't be had
            reason = str(error).splitlines()[0]
            raise BadSettings([f"{PREFIX}MODEL: {name!r} can't be used: {reason}"]) from None

    first = one(settings.model)
    if not settings.fallback_model:
        return first
    return FallbackModel(first, one(settings.fallback_model), fallback_on=UNUSABLE)


def chat_model(name: str, url: str, key: str, client: httpx2.AsyncClient) -> OpenAIChatModel:
    """Return a model behind the chat-completions format, with time limit and retries."""
    asked = AsyncOpenAI(
        base_url=url, api_key=key, max_retries=_RETRIES, timeout=client.timeout, http_client=client
    )
    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=asked))
