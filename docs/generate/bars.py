"""Charts of bars, as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 760
_LABELS: Final = 200
"""Room for the names of bars, at the left."""
_FIGURES: Final = 90
"""Room for what a bar is long, at the right."""
_ROW: Final = 20
_WHOLE: Final = 10
"""From here on figures need no point."""
_COLOURS: Final = ("#4878a8", "#e49444", "#5a9e5f", "#b25d79", "#8a6fb0", "#9a7b4f", "#6b8e95", "#777777")
_STYLE: Final = "text{font:12px sans-serif;fill:#222}.title{font-weight:bold;font-size:14px}.group{font-weight:bold}"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its name, and the quartiles around its length."""

    label: str
    length: float
    low: float
    high: float


def draw(title: str, unit: str, groups: Mapping[str, Sequence[Bar]], *, one_scale: bool = False) -> str:
    """Draws bars in groups, each of which has a scale of its own unless there is to be one for all."""
    longest = {name: max(bar.high for bar in bars) for name, bars in groups.items()}
    drawn: list[str] = []
    y = 2 * _ROW
    for name, bars in groups.items():
        y += _ROW
        drawn.append(_text(8, y, name, "group"))
        scale = (_WIDTH - _LABELS - _FIGURES) / (max(longest.values()) if one_scale else longest[name])
        for bar, colour in zip(bars, _COLOURS, strict=False):
            y += _ROW
            drawn += _row(bar, y, scale, colour, unit)
        y += _ROW // 2
    size = f'width="{_WIDTH}" height="{y + _ROW}" viewBox="0 0 {_WIDTH} {y + _ROW}"'
    head = f"{title}: medians in {unit}, with quartiles{'' if one_scale else '; each group has its own scale'}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        _text(8, _ROW + 4, head, "title"),
        *drawn,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _row(bar: Bar, y: int, scale: float, colour: str, unit: str) -> list[str]:
    low, length, high = (_LABELS + figure * scale for figure in (bar.low, bar.length, bar.high))
    middle = y - 4
    return [
        _text(20, y, bar.label),
        f'<rect x="{_LABELS}" y="{y - 12}" width="{length - _LABELS:.1f}" height="14" fill="{colour}"/>',
        f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 3}v6M{high:.1f} {middle - 3}v6" stroke="#222"/>',
        _text(high + 6, y, f"{bar.length:,.{2 if bar.length < _WHOLE else 0}f} {unit}"),
    ]


def _text(x: float, y: int, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.0f}" y="{y}"{named}>{escape(text)}</text>'
