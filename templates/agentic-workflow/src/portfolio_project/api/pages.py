"""The desk page and the last evaluation report, served from this package and the reports folder."""

from importlib.resources import files

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, RedirectResponse

from ..evaluation.command import PAGE
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
        path = access.settings.reports_dir / PAGE
        if not path.exists():
            raise Problem(404, detail="There is no report yet. Run the command `evaluate`.")
        return FileResponse(path, media_type="text/html")

    return router
