"""Every error leaves as an RFC 9457 problem document that says what to do and leaks nothing."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import Message, Send

from .exchange import current_exchange

MEDIA_TYPE = "application/problem+json"
_RESERVED = {"type", "title", "status", "detail", "instance", "request_id", "errors"}
# pydantic puts the text of a ValueError or an assertion, which may quote the input, behind these.
# A rule that wants to speak to the caller raises pydantic_core.PydanticCustomError.
_UNSAFE_MESSAGES = {"value_error", "assertion_error"}


class InvalidField(BaseModel):
    """One thing that is wrong with a request."""

    location: list[str | int] = Field(examples=[["body", "amount"]])
    message: str = Field(examples=["Input should be greater than 0"])
    type: str = Field(examples=["greater_than"])


class ProblemDocument(BaseModel):
    """The shape of every error (RFC 9457, section 3)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="URI of the kind of problem", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(ge=400, le=599, examples=[404])
    detail: str | None = Field(default=None, examples=["There is nothing at this path."])
    request_id: str = Field(description="Quote it when you ask for help", examples=["5f0c9e7a"])
    errors: list[InvalidField] | None = None


class Problem(Exception):
    """An error that the caller may see.

    `status` is the HTTP status (400 to 599); `title` is the same for all problems of a `type`;
    `detail` says what to do in this case. Extensions become further members of the document.
    Raises ValueError for an extension that would hide a standard member.
    """

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str | None = None,
        *,
        type: str = "about:blank",  # noqa: A002 - the member's name in RFC 9457
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        if hidden := _RESERVED & extensions.keys():
            raise ValueError(f"{sorted(hidden)} are standard members of a problem document")
        super().__init__(title or phrase(status))
        self.status = status
        self.title = title or phrase(status)
        self.detail = detail
        self.type = type
        self.headers = dict(headers or {})
        self.extensions = extensions

    def document(self) -> dict[str, Any]:
        """Return the problem document, with the current request's id."""
        exchange = current_exchange.get()
        document: dict[str, Any] = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
        }
        if self.detail is not None:
            document["detail"] = self.detail
        document["request_id"] = exchange.request_id if exchange else ""
        return document | self.extensions

    def response(self) -> Response:
        """Return the HTTP response that carries the document."""
        body = orjson.dumps(self.document(), default=str)
        return Response(body, self.status, self.headers, media_type=MEDIA_TYPE)


def phrase(status: int) -> str:
    """Return the standard reason phrase of `status`."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def problem_messages(problem: Problem) -> tuple[Message, Message]:
    """Return the two ASGI messages of an answer with `problem`."""
    body = orjson.dumps(problem.document(), default=str)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *((k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in problem.headers.items()),
    ]
    start: Message = {
        "type": "http.response.start",
        "status": problem.status,
        "headers": headers,
    }
    return start, {"type": "http.response.body", "body": body}


async def send_problem(problem: Problem, send: Send) -> None:
    """Answer with `problem` from pure ASGI code, where there is no request object."""
    for message in problem_messages(problem):
        await send(message)


def is_problem(start: Message) -> bool:
    """Say whether a response that starts is a problem document."""
    return (b"content-type", MEDIA_TYPE.encode()) in start["headers"]


def internal_error() -> Problem:
    """Return the only thing that a caller learns of an unexpected exception."""
    return Problem(500, detail="The service failed. Quote the request id when you report it.")


def too_large() -> Problem:
    """Return the answer to a body over the limit."""
    return Problem(413, "Content Too Large", "Send a smaller body, or split it into several.")


def _method_not_allowed(allowed: Sequence[str]) -> Problem:
    detail = "Use one of the methods in the Allow header."
    return Problem(405, detail=detail, headers={"Allow": ", ".join(allowed)})


def _invalid_fields(errors: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "location": list(error["loc"]),
            "message": "Value is not valid" if error["type"] in _UNSAFE_MESSAGES else error["msg"],
            "type": error["type"],
        }
        for error in errors
    ]


async def _on_problem(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, Problem)
    return exc.response()


async def _on_http_exception(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    if exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # Starlette names the methods of the first route only that has this path.
        allowed = request.app.table.methods(request.url.path)
        return _method_not_allowed(allowed).response()
    if exc.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return too_large().response()
    title = phrase(exc.status_code)
    detail = exc.detail if exc.detail and exc.detail != title else _ADVICE.get(exc.status_code)
    return Problem(exc.status_code, title, detail, headers=exc.headers).response()


async def _on_invalid_request(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    problem = Problem(422, "Unprocessable Content", "Correct the fields named in `errors`.")
    problem.extensions["errors"] = _invalid_fields(exc.errors())
    return problem.response()


async def _on_unexpected(_request: Request, _exc: Exception) -> Response:
    return internal_error().response()


_ADVICE = {
    404: "There is nothing at this path.",
}


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(Exception, _on_unexpected)
