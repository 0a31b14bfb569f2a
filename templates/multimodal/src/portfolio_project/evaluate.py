"""Measure the serving model on held-out data; write `evaluate.json` and the report page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .embedder import Embedder
from .errors import UserError
from .provenance import Registry, save_report
from .provenance.durable import replace_file
from .settings import Settings

REPORT = "evaluate.json"
PAGE = "evaluation.html"


class NothingServes(UserError):
    """There is no model to measure yet."""


def run(settings: Settings) -> Iterator[str]:
    """Measure, write the report and the page, and tell the main figures line by line.

    Raises NothingServes, DatasetError, and the registry's ProvenanceError.
    """
    from .evaluation.measure import measure  # noqa: PLC0415 - only this command measures
    from .evaluation.page import page  # noqa: PLC0415

    version = Registry(settings.registry_dir).current()
    if version is None:
        raise NothingServes("no model serves yet. Run the command `train`")
    embedder, small = Embedder.of(version), Embedder.of(version, numbers="int8")
    found = measure(embedder, small, settings.dataset_dir)
    losses: list[float] = json.loads(version.read("history.json"))["loss"]
    save_report(settings.reports_dir / REPORT, found.report)
    replace_file(settings.reports_dir / PAGE, page(found, version.id, losses).encode())
    yield from lines(found.report)
    yield f"report page: {settings.reports_dir / PAGE}"


def lines(report: dict[str, Any]) -> Iterator[str]:
    """The report as a table for the terminal."""
    yield (
        f"{report['config']}: {report['gallery']:,} test samples, "
        f"chance recall@1 {report['chance_recall_at_1']:.2%}"
    )
    yield f"{'':<34}{'recall@1':>9}{'95%':>16}{'recall@5':>10}{'MRR':>7}"
    for row in [*report["retrieval"], report["baseline"]]:
        yield (
            f"{row['direction']:<34}{row['recall@1']:>9.1%}"
            f"{row['low']:>8.1%} -{row['high']:>6.1%}{row['recall@5']:>10.1%}{row['mrr']:>7.3f}"
        )
    for title, rows, key in (
        ("told from a caption with one thing swapped", report["swaps"], "swapped"),
        ("text to image recall@1 by gallery", report["galleries"], "gallery"),
        ("text to image recall@1 when worse", report["robustness"], "slice"),
    ):
        if rows:
            told = "  ".join(f"{row[key]} {row['value']:.1%}" for row in rows)
            yield f"{title}: {told}"
