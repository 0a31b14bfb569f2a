"""The desk page and the last evaluation report, served from this package and the reports folder."""

from importlib.resources import files
from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from ..evaluation.page import PAGE, TIMES, split
from ..serving import Problem
from .access import Access

_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


def pages_router(access: Access) -> APIRouter:
    """Return the routes outside /v1."""
    router = APIRouter()

    @router.get("/")
    async def home() -> RedirectResponse:
        return RedirectResponse("/desk/index.html")

    @router.get("/desk/{name}")
    async def page(name: str) -> Response:
        file = files(str(__package__).rpartition(".")[0]) / "pages" / name
        kind = _KINDS.get(name.rpartition(".")[2])
        if kind is None or "/" in name or not file.is_file():
            raise Problem(404, detail="There is no such page.")
        return Response(file.read_bytes(), media_type=kind)

    @router.get("/report")
    async def report() -> Response:
        return Response(_report(access, "html"), media_type="text/html")

    @router.get("/report/page.{kind}")
    async def report_part(kind: Literal["css", "js"]) -> Response:
        return Response(_report(access, kind), media_type=_KINDS[kind])

    @router.get("/report/times.js")
    async def report_times() -> Response:
        return Response(_file(access, TIMES), media_type=_KINDS["js"])

    return router


def _report(access: Access, part: str) -> str:
    return split(_file(access, PAGE))[part]


def _file(access: Access, name: str) -> str:
    try:
        return (access.settings.evaluation_dir / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Problem(404, detail="There is no report yet. Run the command `evaluate`.") from None
