"""Smeared: what a decoder leaves where packets were lost, and what it says itself."""

import numpy as np
from numpy.typing import NDArray

from detectors.detection import Region
from detectors.quality.finding import Finding
from detectors.quality.look import Look, cell_means
from detectors.quality.memory import Kept

STRETCHED = 0.25  # neighbouring rows differ by less than this part of what columns differ by
FLAT = 0.6  # grey levels between neighbours
LASTING = 2.0  # seconds over which the decoder's complaints are averaged
SETTLES = 60.0  # seconds until a fence or a grey wall is usual
DEPTH = 3  # cells: columns stretched over less are ordinary things


class Smear:
    """Columns stretched downwards, grey or green fill, where this camera usually shows neither."""

    def __init__(self, sensitivity: float) -> None:
        self._threshold = 0.15**sensitivity  # share of the picture
        self._complaints = 0.0  # share of recent pictures that the decoder called damaged
        self._usual: NDArray[np.float32] | None = None  # (rows, columns): how often a cell looks smeared
        self._now: NDArray[np.bool_] | None = None

    def examine(self, look: Look, gap: float, damaged: bool, *, anew: bool = True) -> Finding:
        """Judges one picture; `learn` is called afterwards if nothing is wrong with it.

        Not `anew`: by what the decoder says alone, and what was seen in an earlier picture.
        """
        self._complaints += min(1.0, gap / LASTING) * (float(damaged) - self._complaints)
        if anew or self._now is None:
            self._now = smeared_cells(look)
        unusual = self._now & (self._usual < 0.2) if self._usual is not None else self._now
        share = float(unusual.mean())
        # Half of the pictures damaged weighs as much as a quarter of the picture smeared.
        score = max(share, 0.5 * self._complaints)
        reason = f"{share:.0%} of the picture is smeared"
        if self._complaints >= 0.01:
            reason += f", the decoder found damage in {self._complaints:.0%} of the last pictures"
        if score < self._threshold or not unusual.any():
            return Finding(score, self._threshold, reason, provisional=self._usual is None)
        return Finding(score, self._threshold, reason, regions=(around(unusual),), heatmap=as_heat(unusual))

    def learn(self, gap: float) -> None:
        """Takes the picture just examined as an ordinary one."""
        if self._now is None:
            return
        now = self._now.astype(np.float32)
        self._usual = (
            now if self._usual is None else self._usual + min(1.0, gap / SETTLES) * (now - self._usual)
        )

    def keep(self) -> Kept:
        """What usually looks smeared."""
        return {} if self._usual is None else {"usual": self._usual}

    def recall(self, memory: Kept) -> None:
        """Takes up what `keep` gave."""
        self._usual = memory.get("usual")


def smeared_cells(look: Look) -> NDArray[np.bool_]:
    """Which cells (rows, columns) look like decoder damage."""
    grey = look.grey.astype(np.float32)
    down = np.zeros_like(grey)
    down[1:] = np.abs(grey[1:] - grey[:-1])
    across = np.zeros_like(grey)
    across[:, 1:] = np.abs(grey[:, 1:] - grey[:, :-1])
    vertical, horizontal = cell_means(down, look.cells), cell_means(across, look.cells)
    stretched = (vertical < STRETCHED * horizontal) & (horizontal > 1.5)
    # A smear runs on to the bottom; a post or a door frame seldom does, for so long.
    to_bottom = np.logical_and.accumulate(stretched[::-1])[::-1]
    to_bottom &= to_bottom.sum(axis=0) >= DEPTH
    # Over the whole width even a plain wall is enough to tell by.
    rows = (down.mean(axis=1) < STRETCHED * across.mean(axis=1)) & (across.mean(axis=1) > 0.3)
    whole = np.logical_and.accumulate(rows[::-1])[::-1].reshape(look.cells[0], -1).min(axis=1)
    to_bottom |= whole.reshape(-1, 1) & (whole.sum() >= DEPTH)
    blue, green, red = np.moveaxis(cell_means(look.colour, look.cells), -1, 0)
    flat = vertical + horizontal < FLAT
    concealed = flat & (abs(green - 128) <= 5) & (abs(blue - green) <= 4) & (abs(red - green) <= 4)
    zeroed = flat & (green - np.maximum(blue, red) >= 70)  # all-zero YUV: a green never seen on a wall
    return np.asarray(to_bottom | concealed | zeroed, np.bool_)


def around(cells: NDArray[np.bool_]) -> Region:
    """The box around the marked cells (rows, columns), of which there is at least one."""
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    height, width = cells.shape
    return Region(
        left=float(columns[0] / width),
        top=float(rows[0] / height),
        width=float((columns[-1] - columns[0] + 1) / width),
        height=float((rows[-1] - rows[0] + 1) / height),
    )


def as_heat(cells: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The marked cells as a heat map."""
    return cells.astype(np.float32)
