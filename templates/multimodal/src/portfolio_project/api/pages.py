"""The search page at the root, and the evaluation report once there is one."""

from __future__ import annotations

import re
from importlib.resources import files

from fastapi import APIRouter, Response

from ..serving import Problem
from ..serving.pages import TYPES, page_router
from ..settings import Settings

PAGE = files(str(__package__).rpartition(".")[0]) / "page"
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def pages_router(settings: Settings) -> APIRouter:
    """GET /, the files that it loads, and /evaluation once there is a report."""
    router = page_router(PAGE)

    @router.get("/evaluation")
    def evaluation() -> Response:
        page, _ = _report(settings)
        return Response(page, media_type=TYPES["html"], headers={"Cache-Control": "no-cache"})

    @router.get("/evaluation.css")
    def evaluation_style() -> Response:
        _, style = _report(settings)
        return Response(style, media_type=TYPES["css"], headers={"Cache-Control": "no-cache"})

    return router


def _report(settings: Settings) -> tuple[str, str]:
    """The evaluation report and its style, which the security headers want in a file of its own."""
    try:
        report = (settings.reports_dir / "evaluation.html").read_text(encoding="utf-8")
    except OSError:
        raise Problem(404, detail="Nothing was evaluated yet: run `evaluate`.") from None
    style = "".join(_STYLE.findall(report))
    return _STYLE.sub('<link rel="stylesheet" href="/evaluation.css">', report), style
