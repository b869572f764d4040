"""Combed: fields of an interlaced picture that were never put together, seen where something moves."""

import numpy as np

from detectors.detection import Doubt
from detectors.quality.finding import Finding
from detectors.quality.look import Cells, Floats, Look, cell_means

MOVED = 5.0  # grey levels between two looks: something moves in a cell
TEETH = 4.0  # grey levels from line to line
TOOTHED = 1.2  # neighbouring lines differ by so many times what every other line does
LASTS = 5.0  # seconds in which what moved is counted together
ENOUGH = 12.0  # cells in motion until combs can be told


class Comb:
    """Of the cells in which something moves, how many show it twice, line by line. Needs nothing learned."""

    def __init__(self, sensitivity: float) -> None:
        self._threshold = 0.2**sensitivity  # share of the moving cells
        self._moving = 0.0  # cells, fading
        self._combed = 0.0

    def examine(self, look: Look, before: Floats | None, gap: float) -> Finding:
        """Judges a picture `gap` seconds after the last that it judged; `before`: the look just before."""
        fading = max(0.0, 1 - gap / LASTS)
        self._moving, self._combed = self._moving * fading, self._combed * fading
        if before is not None and before.shape == look.small.shape:
            moving = cell_means(np.abs(look.small - before), look.cells) >= MOVED
            if moving.any() and moving.mean() < 0.5:  # more than that is not something that moves
                self._moving += float(moving.sum())
                self._combed += float((combs(look) & moving).sum())
        if self._moving < ENOUGH:
            return Finding(0.0, self._threshold, "too little moves to see combs by", Doubt.TOO_PLAIN)
        share = self._combed / self._moving
        return Finding(share, self._threshold, f"{share:.0%} of what moves is torn into combs, line by line")


def combs(look: Look) -> Cells:
    """Which cells (rows, columns) differ more from line to line than from every line to the next but one."""
    lines = look.picture[:, ::3, 1].astype(np.float32)
    near = np.abs(lines[1:-1] - lines[2:])
    far = np.abs(lines[:-2] - lines[2:])
    one, two = (cell_means(each, look.cells) for each in (near, far))
    return np.asarray((one >= TEETH) & (one >= TOOTHED * two), np.bool_)
