"""Noisy: how strong the sensor's grain is, by the detail that no scene has.

The diagonal Haar detail of 2 x 2 pixels holds little of a picture and all of its noise, and its median
nothing of the few places where there is an edge or a drop of rain: Donoho and Johnstone, "Ideal spatial
adaptation by wavelet shrinkage", 1994.
"""

import numpy as np
from numpy.typing import NDArray

from detectors.quality.finding import Finding
from detectors.quality.look import Look
from detectors.quality.memory import Kept, kept

NORMAL = 0.6745  # median of the absolute value of a standard normal
GRAINY = 2.5  # times the usual
TOLD = 4.0  # grey levels more than usual, at least
SETTLES = 600.0  # seconds until another grain is the usual one: dusk raises the gain slowly


class Grain:
    """Against the camera's usual noise; a camera that is noisy from the start is told by no measure."""

    def __init__(self, sensitivity: float) -> None:
        self._sensitivity = sensitivity
        self._usual: float | None = None  # grey levels
        self._now = 0.0

    def examine(self, look: Look) -> Finding:
        """Judges one picture; `learn` is called afterwards if nothing is wrong with it."""
        self._now = grain(look.picture)
        usual = self._now if self._usual is None else self._usual
        threshold = usual + max((GRAINY - 1) * usual, TOLD) / self._sensitivity
        reason = f"noise of {self._now:.1f} grey levels, usually {usual:.1f}"
        return Finding(self._now, threshold, reason, provisional=self._usual is None)

    def learn(self, gap: float) -> None:
        """Takes the picture just examined as an ordinary one."""
        usual = self._now if self._usual is None else self._usual
        self._usual = usual + min(1.0, gap / SETTLES) * (self._now - usual)

    def keep(self) -> Kept:
        """The usual noise."""
        return {} if self._usual is None else {"usual": kept(self._usual)}

    def recall(self, memory: Kept) -> None:
        """Takes up what `keep` gave."""
        self._usual = float(memory["usual"]) if memory else None


def grain(picture: NDArray[np.uint8]) -> float:
    """Standard deviation of the noise of a (H, W, 3) picture's green, in grey levels, 0..255."""
    green = picture[:, :, 1]
    above, below = green[0::8], green[1::8]
    rows, columns = min(len(above), len(below)), green.shape[1] // 2 * 2
    above, below = above[:rows, :columns].astype(np.int16), below[:rows, :columns].astype(np.int16)
    falls = above - below
    diagonal = np.abs(falls[:, 0::2] - falls[:, 1::2])
    return float(np.median(diagonal)) / 2 / NORMAL
