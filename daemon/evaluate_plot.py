"""The curves of an evaluation as one SVG picture: what is caught against what is falsely alarmed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

SIDE, EDGE = 400, 50  # px
COLOURS = ("#c0392b", "#2c3e50", "#2980b9", "#27ae60", "#8e44ad", "#d68910", "#7f8c8d")


def curve(scores: NDArray[np.floating], abnormal: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N, 2) shares of normal and abnormal frames at or above each threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # of those that score the same
    caught = np.cumsum(abnormal[order])[last] / max(1, abnormal.sum())
    false = np.cumsum(~abnormal[order])[last] / max(1, (~abnormal).sum())
    return np.column_stack([np.append(0, false), np.append(0, caught)])


def write(file: Path, curves: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Draws {name: (N, 2)}. Raises OSError."""
    size, end = SIDE + 2 * EDGE, EDGE + SIDE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size + 160}" height="{size}" font-size="12">',
        '<g font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>',
        f'<rect x="{EDGE}" y="{EDGE}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>',
        _text(EDGE + SIDE / 2, size - 12, "share of normal frames that alarm", "middle"),
        _text(EDGE, EDGE - 14, "share of abnormal frames that alarm", "start"),
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(_text(EDGE + share * SIDE, end + 16, f"{share:g}", "middle"))
        parts.append(_text(EDGE - 6, end - share * SIDE + 4, f"{share:g}", "end"))
    for number, (name, points) in enumerate(curves.items()):
        colour, wide = COLOURS[number % len(COLOURS)], 1.2 if number else 2.5
        line = " ".join(f"{EDGE + x * SIDE:.1f},{end - y * SIDE:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{wide}"/>')
        parts.append(_text(end + 12, EDGE + 16 + 18 * number, name, "start", colour))
    file.write_text("\n".join([*parts, "</g></svg>"]))


def _text(x: float, y: float, said: str, anchor: str, colour: str = "black") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(said)}</text>'
