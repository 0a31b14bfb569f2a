"""Small charts as SVG, drawn in the colours of the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_WIDTH, _ROW, _LABEL = 420, 26, 165


def bars(rows: Sequence[tuple[str, float, float, float]], *, mark: float | None = None) -> str:
    """Horizontal bars of shares: (label, value, low, high), with `mark` as a line for chance."""
    height = _ROW * len(rows) + 6
    span = _WIDTH - _LABEL - 56
    parts = [_open(height, "; ".join(f"{label}: {value:.1%}" for label, value, *_ in rows))]
    for number, (label, value, low, high) in enumerate(rows):
        top = number * _ROW + 4
        left, right = (_LABEL + span * edge for edge in (low, high))
        parts.append(
            f'<text x="{_LABEL - 8}" y="{top + 14}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="bar" x="{_LABEL}" y="{top + 3}" width="{span * value:.1f}" height="14"/>'
            f'<path class="interval" d="M{left:.1f} {top + 10}H{right:.1f}"/>'
            f'<text x="{_LABEL + span + 8}" y="{top + 14}">{value:.1%}</text>'
        )
    if mark is not None:
        place = _LABEL + span * mark
        parts.append(f'<path class="chance" d="M{place:.1f} 0V{height}"/>')
    return "".join([*parts, "</svg>"])


def curve(values: Sequence[float], label: str) -> str:
    """One line over the steps, the mean of each fiftieth of them."""
    if len(values) < 2:
        return "<p>too short to draw</p>"
    piece = max(1, len(values) // 50)
    means = [
        sum(values[at : at + piece]) / len(values[at : at + piece])
        for at in range(0, len(values), piece)
    ]
    top = max(means) or 1.0
    step = (_WIDTH - 60) / max(1, len(means) - 1)
    points = " ".join(f"{50 + i * step:.1f},{170 - 150 * v / top:.1f}" for i, v in enumerate(means))
    said = f"{label}: from {means[0]:.2f} to {means[-1]:.2f} in {len(values):,} steps"
    return (
        f'{_open(200, said)}<path class="axis" d="M50 20V170H{_WIDTH - 10}"/>'
        f'<polyline class="line" points="{points}"/>'
        f'<text x="44" y="26" text-anchor="end">{top:.1f}</text>'
        f'<text x="44" y="174" text-anchor="end">0</text>'
        f'<text x="{_WIDTH - 10}" y="192" text-anchor="end">{len(values):,} steps</text></svg>'
    )


def reliability(bins: Sequence[Sequence[float]]) -> str:
    """Accuracy over confidence; on the diagonal the model is as often right as it says."""
    side, left = 200, 50
    dots = "".join(
        f'<circle class="dot" cx="{left + side * said:.1f}" cy="{20 + side * (1 - was):.1f}" '
        f'r="{3 + min(9.0, count**0.5 / 4):.1f}"/>'
        for said, was, count in bins
    )
    told = "; ".join(f"says {said:.0%}, is {was:.0%}" for said, was, _ in bins)
    return (
        f'{_open(260, told)}<path class="axis" d="M{left} 20V{20 + side}H{left + side}"/>'
        f'<path class="chance" d="M{left} {20 + side}L{left + side} 20"/>{dots}'
        f'<text x="{left}" y="{side + 40}">confidence from 0 to 1, upwards: share that is right'
        "</text></svg>"
    )


def _open(height: int, said: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(said, quote=True)}">'
    )
