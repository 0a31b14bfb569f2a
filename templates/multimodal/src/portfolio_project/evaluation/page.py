"""The evaluation report as one page that opens from disk: figures, plots, examples, failures."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..about import about
from .charts import bars, curve, reliability
from .measure import Measured

_SHOWN = 6
_BEST = 6


def page(found: Measured, version: str, losses: Sequence[float]) -> str:
    """The page as HTML, with its style and pictures inside."""
    report = found.report
    style = (files(str(__package__)) / "page.css").read_text("utf-8")
    title = f"{about()['title']}: evaluation"
    sections = [
        _section("Finding one modality by another", _retrieval(report), wide=True),
        _section("Which word belongs to what", _swaps(report)),
        _section("Scenes unlike those of the training", _bars(report["galleries"], "gallery")),
        _section("Worse pictures, other captions", _bars(report["robustness"], "slice")),
        _section("Classified by the nearest caption", _zero_shot(report)),
        _section("Is it as often right as it says", _calibration(report)),
        _section("The loss while it learned", curve(losses, "loss")),
        _section("8-bit integers", _eight_bit(report)),
        _section("Found", _examples(found, good=True), wide=True),
        _section("Not found", _examples(found, good=False), wide=True),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        f"{_header(report, title, version)}{''.join(sections)}</main></body></html>\n"
    )


def _header(report: dict[str, Any], title: str, version: str) -> str:
    first = next(row for row in report["retrieval"] if row["direction"] == "text → image")
    shown = [
        ("text to image recall@1", f"{first['recall@1']:.1%}"),
        ("recall@5", f"{first['recall@5']:.1%}"),
        ("chance", f"{report['chance_recall_at_1']:.2%}"),
        ("colour histogram and bag of words", f"{report['baseline']['recall@1']:.1%}"),
    ]
    figures = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in shown)
    return (
        f"<header><h1>{escape(title)}</h1><p>Model {escape(version)}, configuration "
        f"{escape(report['config'])}, on {report['gallery']:,} samples that it never saw. Lines "
        "over bars are bootstrap intervals of 95%, dashed lines are chance.</p>"
        f'<dl class="figures">{figures}</dl></header>'
    )


def _section(title: str, content: str, *, wide: bool = False) -> str:
    if not content:
        return ""
    kind = ' class="wide"' if wide else ""
    return f"<section{kind}><h2>{escape(title)}</h2>{content}</section>"


def _retrieval(report: dict[str, Any]) -> str:
    rows = [*report["retrieval"], report["baseline"]]
    head = ["", "recall@1", "95%", "recall@5", "recall@10", "mean reciprocal rank"]
    body = [
        [
            row["direction"],
            f"{row['recall@1']:.1%}",
            f"{row['low']:.1%} to {row['high']:.1%}",
            f"{row['recall@5']:.1%}",
            f"{row['recall@10']:.1%}",
            f"{row['mrr']:.3f}",
        ]
        for row in rows
    ]
    return _table(head, body)


def _table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(one)}</td>" for one in row) + "</tr>" for row in body
    )
    return (
        '<div class="table" tabindex="0" role="region" aria-label="Figures"><table>'
        f"<thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _swaps(report: dict[str, Any]) -> str:
    if not report["swaps"]:
        return ""
    said = "Share of pictures nearer to their caption than to one with a single thing swapped."
    return f"<p>{said}</p>{_bars(report['swaps'], 'swapped', mark=0.5)}"


def _bars(rows: list[dict[str, Any]], label: str, mark: float | None = None) -> str:
    drawn = [(row[label].replace("_", " "), row["value"], row["low"], row["high"]) for row in rows]
    return bars(drawn, mark=mark) if drawn else ""


def _zero_shot(report: dict[str, Any]) -> str:
    if not report["zero_shot"]:
        return ""
    head = ["of the first thing", "accuracy", "95%", "chance"]
    return _table(
        head,
        [
            [
                row["attribute"],
                f"{row['value']:.1%}",
                f"{row['low']:.1%} to {row['high']:.1%}",
                f"{row['chance']:.1%}",
            ]
            for row in report["zero_shot"]
        ],
    )


def _calibration(report: dict[str, Any]) -> str:
    space = report["space"]
    return (
        f"<p>Expected calibration error {space['calibration_error']:.3f}. Alignment of text and "
        f"picture {space['alignment_text_image']:.2f}, uniformity of pictures "
        f"{space['uniformity_image']:.2f}, of text {space['uniformity_text']:.2f}.</p>"
        f"{reliability(space['calibration_bins'])}"
    )


def _eight_bit(report: dict[str, Any]) -> str:
    found = report["int8"]
    return (
        f"<p>Text to image recall@1 {found['text_to_image_recall_at_1']:.1%}: "
        f"{100 * found['cost_in_recall_at_1']:.1f} points below 32-bit numbers. Cosine to their "
        f"vectors: pictures {found['cosine_to_float_image']:.4f}, text "
        f"{found['cosine_to_float_text']:.4f}.</p>"
    )


def _examples(found: Measured, *, good: bool) -> str:
    """The first queries whose picture came first, or the worst of those where it did not."""
    order = np.arange(len(found.ranks)) if good else np.argsort(-found.ranks, kind="stable")
    chosen = [int(i) for i in order if (found.ranks[i] == 0) == good][:_SHOWN]
    if not chosen:
        return "<p>Every picture came first.</p>" if not good else ""
    return "".join(_example(found, query) for query in chosen)


def _example(found: Measured, query: int) -> str:
    scores = found.images @ found.captions[query]
    best = [int(item) for item in np.argsort(-scores, kind="stable")[:_BEST]]
    shown = best if query in best else [*best[:-1], query]
    items = "".join(
        f"<li{' class=true' if item == query else ''}>{_picture(found, item)}"
        f"{scores[item]:.2f}{_place(found, item, query)}</li>"
        for item in shown
    )
    caption = escape(found.data.captions[query])
    return f'<div class="example"><p>“{caption}”</p><ul class="found">{items}</ul></div>'


def _place(found: Measured, item: int, query: int) -> str:
    return f" its own, number {found.ranks[query] + 1}" if item == query else ""


def _picture(found: Measured, item: int) -> str:
    said = escape(found.data.captions[item], quote=True)
    return f'<img src="{_source(found.data.images[item])}" alt="{said}">'


def _source(pixels: NDArray[np.uint8]) -> str:
    held = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(held, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(held.getvalue()).decode()
