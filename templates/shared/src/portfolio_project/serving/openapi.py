"""The OpenAPI document: what FastAPI derives, and what every operation has besides."""

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from .problems import MEDIA_TYPE, ProblemDocument, phrase

_DISTRIBUTION = __name__.partition(".")[0]
_WRITES = ("post", "put", "patch", "delete")
_VERBS = ("get", *_WRITES)
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
    errors: dict[str, Any] = components.setdefault("responses", {})
    for path, verb, operation in _operations(document):
        _complete_operation(operation, path, verb)
        security = operation.setdefault("security", [])  # said aloud where nothing is asked for
        if security and not keys_needed:
            security.insert(0, {})
        for status in filter(_is_error, operation["responses"]):
            errors.setdefault(status, _problem_response(int(status)))
            operation["responses"][status] = {"$ref": f"#/components/responses/{status}"}
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for verb in _VERBS:
            if verb in item:
                yield path, verb, item[verb]


def _complete_operation(operation: dict[str, Any], path: str, verb: str) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    for answer in responses.values():
        _complete_answer(answer)
    for parameter in operation.get("parameters", ()):
        _drop_null(parameter)
    if path.startswith("/v1/") and verb in _WRITES:
        said = operation.get("description", "")
        operation["description"] = f"{said}\n\n{_IDEMPOTENCY}".strip()
    for status in sorted(_house_statuses(operation, path, verb)):
        responses.setdefault(str(status), {})


def _complete_answer(answer: dict[str, Any]) -> None:
    answer.setdefault("headers", _header_refs("X-Request-ID", "RateLimit", "X-Model-Version"))
    for content in answer.get("content", {}).values():
        if "itemSchema" in content:
            # FastAPI describes an event as OpenAPI 3.2 does, in a document of 3.1.
            content["schema"] = content.pop("itemSchema")


def _house_statuses(operation: dict[str, Any], path: str, verb: str) -> set[int]:
    """Return the errors that the serving room itself may answer with."""
    if not path.startswith("/v1/"):
        return {413, 500, *({503} if path.endswith("/ready") else ())}
    statuses = {413, 429, 500, 503, 504}
    if operation.get("parameters") or operation.get("requestBody"):
        statuses |= {400, 422}
    if operation.get("security"):
        statuses |= {401, 403}
    if "{" in path or "cursor" in {p.get("name") for p in operation.get("parameters", ())}:
        statuses.add(404)
    if verb in _WRITES:
        statuses |= {400, 409, 422}
    return statuses


def _is_error(status: str) -> bool:
    return status.isdigit() and int(status) >= 400


def _drop_null(parameter: dict[str, Any]) -> None:
    """Say of an optional parameter that it may be left out; null can't be written in a URL."""
    schema = parameter["schema"]
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema.update(kinds[0])


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
