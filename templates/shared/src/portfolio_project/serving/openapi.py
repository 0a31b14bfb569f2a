"""The OpenAPI document: what FastAPI derives, and what every operation has besides."""

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from .problems import MEDIA_TYPE, ProblemDocument, phrase

_DISTRIBUTION = __name__.partition(".")[0]
_WRITES = {"post", "put", "patch", "delete"}
_VERBS = {"get", *_WRITES}
_EVERYWHERE = (429, 500, 503, 504)
_FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")

_HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "Names this request in the service's logs; a caller may choose it.",
        "schema": {"type": "string"},
    },
    "X-Model-Version": {
        "description": "Version of the model that answered, where one did.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left of the caller's rate limit (draft-ietf-httpapi-ratelimit).",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
# In words and not as a parameter: no schema can say that a key must not come back with another
# body, so tools that test a service from its schema would take its refusal for a fault.
_IDEMPOTENCY = (
    "Safe to retry: send a header `Idempotency-Key` with a value of your choice, such as a UUID, "
    "new for each write and the same for its retries. The write happens once, and each retry gets "
    "the same answer, marked `Idempotency-Replayed: true`. 409 while the first is still at work, "
    "422 where the key came with another request."
)


def operation_id(route: APIRoute) -> str:
    """Return a short operation id, for generated clients: the name of the route's function."""
    return route.name


def contact_and_licence() -> dict[str, Any]:
    """Return the author and licence that the installed package declares, for the document."""
    try:
        declared = metadata(_DISTRIBUTION)
    except PackageNotFoundError:
        return {}
    info: dict[str, Any] = {}
    if "Author-email" in declared:
        name, _, address = declared["Author-email"].rpartition("<")
        info["contact"] = {"name": name.strip(' "'), "email": address.rstrip(">")}
    if "License-Expression" in declared:
        licence = declared["License-Expression"]
        info["license_info"] = {"name": licence, "identifier": licence}
    return info


def complete_openapi(app: FastAPI, *, keys_needed: bool) -> None:
    """Make `app.openapi()` return the completed document; without keys, they are optional in it."""
    derive: Callable[[], dict[str, Any]] = app.openapi
    complete: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not complete:
            complete.update(_completed(derive(), keys_needed=keys_needed))
        return complete

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI documents this way to extend it


def _completed(document: dict[str, Any], *, keys_needed: bool) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _FASTAPI_ERRORS:
        schemas.pop(name, None)
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["ProblemDocument"] = problem
    components["headers"] = _HEADERS
    components["responses"] = {str(s): _problem_response(s) for s in _statuses()}
    for path, verb, operation in _operations(document):
        _complete_operation(operation, path, verb)
        if operation.get("security") and not keys_needed:
            operation["security"].insert(0, {})
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for verb in _VERBS & item.keys():
            yield path, verb, item[verb]


def _complete_operation(operation: dict[str, Any], path: str, verb: str) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    for answer in responses.values():
        answer.setdefault("headers", _header_refs("X-Request-ID", "RateLimit", "X-Model-Version"))
    statuses: set[int] = set()
    if path.startswith("/v1/"):
        statuses |= {413, *_EVERYWHERE}
        if operation.get("parameters") or operation.get("requestBody"):
            statuses |= {400, 422}
        if operation.get("security"):
            statuses |= {401, 403}
        if "{" in path or "cursor" in {p.get("name") for p in operation.get("parameters", ())}:
            statuses.add(404)
        if verb in _WRITES:
            statuses |= {400, 409, 422}
            said = operation.get("description", "")
            operation["description"] = f"{said}\n\n{_IDEMPOTENCY}".strip()
    else:
        statuses |= {413, 500, *({503} if path.endswith("/ready") else ())}
    for status in sorted(statuses - {int(s) for s in responses if s.isdigit()}):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}


def _statuses() -> tuple[int, ...]:
    return (400, 401, 403, 404, 409, 413, 422, *_EVERYWHERE)


def _header_refs(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problem_response(status: int) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": phrase(status),
        "status": status,
        "request_id": "5f0c9e7a3b1d4c2e8a6f7b9d0c1e2f3a",
    }
    retry = ("Retry-After",) if status in {409, 429, 503} else ()
    return {
        "description": phrase(status),
        "headers": _header_refs("X-Request-ID", *retry),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/ProblemDocument"},
                "example": example,
            }
        },
    }
