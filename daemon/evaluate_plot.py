"""The curves of an evaluation as one SVG picture, such as what is caught against what is falsely alarmed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

SIDE, EDGE = 400, 50  # px
LEGEND = 160  # px beside a panel
COLOURS = ("#c0392b", "#2c3e50", "#2980b9", "#27ae60", "#8e44ad", "#d68910", "#7f8c8d")


def curve(scores: NDArray[np.floating], abnormal: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N, 2) shares of normal and abnormal frames at or above each threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # of those that score the same
    caught = np.cumsum(abnormal[order])[last] / max(1, abnormal.sum())
    false = np.cumsum(~abnormal[order])[last] / max(1, (~abnormal).sum())
    return np.column_stack([np.append(0, false), np.append(0, caught)])


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot: lines over a square of two axes."""

    lines: Mapping[str, Sequence[Sequence[float]]]  # {name: (N, 2)}
    across: str
    up: str
    ticks: Sequence[float] = (
        0.0,
        0.25,
        0.5,
        0.75,
        1.0,
    )  # of `across`: the first to the last is what is shown
    rungs: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0)  # of `up`
    names: Sequence[str] = ()  # of the ticks, where they are not numbers


def roc(curves: Mapping[str, Sequence[Sequence[float]]]) -> Panel:
    """Of frames, {name: (N, 2)}."""
    return Panel(curves, "share of normal frames that alarm", "share of abnormal frames that alarm")


def draw(file: Path, panels: Sequence[Panel], columns: int = 3) -> None:
    """Draws panels in rows. Raises OSError."""
    wide, high = SIDE + 2 * EDGE + LEGEND, SIDE + 2 * EDGE
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * wide}" height="{rows * high}">',
        '<g font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _drawn(panel, (number % columns) * wide + EDGE, (number // columns) * high + EDGE)
    file.write_text("\n".join([*parts, "</g></svg>"]))


def _drawn(panel: Panel, left: int, top: int) -> list[str]:
    end = top + SIDE

    def placed(x: float, y: float) -> tuple[float, float]:
        (first, last), (low, high) = (panel.ticks[0], panel.ticks[-1]), (panel.rungs[0], panel.rungs[-1])
        share = min(1.0, max(0.0, (y - low) / (high - low)))
        return left + (x - first) / (last - first) * SIDE, end - share * SIDE

    parts = [
        f'<rect x="{left}" y="{top}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>',
        _text(left + SIDE / 2, end + EDGE - 12, panel.across, "middle"),
        _text(left, top - 14, panel.up, "start"),
    ]
    for tick, name in zip(panel.ticks, panel.names or [f"{one:g}" for one in panel.ticks], strict=True):
        parts.append(_text(placed(tick, panel.rungs[0])[0], end + 16, name, "middle"))
    parts += [_text(left - 6, placed(panel.ticks[0], y)[1] + 4, f"{y:g}", "end") for y in panel.rungs]
    for number, (name, points) in enumerate(panel.lines.items()):
        colour, wide = COLOURS[number % len(COLOURS)], 1.2 if number else 2.5
        line = " ".join("{:.1f},{:.1f}".format(*placed(x, y)) for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{wide}"/>')
        parts.append(_text(left + SIDE + 12, top + 16 + 18 * number, name, "start", colour))
    return parts


def _text(x: float, y: float, said: str, anchor: str, colour: str = "black") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(said)}</text>'
