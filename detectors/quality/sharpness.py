"""Blurred: how wide edges are, which depends neither on their contrast nor on how many there are.

An ideal edge that a blur of sigma pixels softens climbs its contrast C with the greatest slope
C / (sigma sqrt(2 pi)), so contrast / slope is its width; compare Marziliano et al., "A no-reference
perceptual blur metric", ICIP 2002.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.detection import Doubt
from detectors.quality.finding import Finding
from detectors.quality.look import WIDTH, Look

AROUND = np.ones((13, 13), np.uint8)  # working pixels in which an edge must find room
BESIDE = np.ones((3, 3), np.uint8)
SOFT = 4.5  # working pixels: edges this wide are blurred on any camera
SETTLES = 300.0  # seconds until another sharpness is the usual one
LEARNED = 5.0  # seconds of good footage until the camera's own sharpness counts
PLACES = 12  # edges needed to tell


class Sharpness:
    """Against the camera's usual edge width, and an absolute one for a camera blurred from the start."""

    def __init__(self, sensitivity: float) -> None:
        self._threshold = 1 + 0.5 / sensitivity  # times the usual width
        self._usual = SOFT / 1.5
        self._learned = 0.0
        self._width: float | None = None

    def examine(self, look: Look) -> Finding:
        """Judges one picture; `learn` is called afterwards if nothing is wrong with it."""
        self._width = edge_width(look.grey)
        if self._width is None:
            return Finding(0.0, self._threshold, "too few edges to tell sharp from blurred", Doubt.TOO_PLAIN)
        usual = min(self._usual, SOFT / 1.5)
        reason = f"edges are {self._width / WIDTH:.1%} of the picture wide, usually {self._usual / WIDTH:.1%}"
        return Finding(self._width / usual, self._threshold, reason, provisional=self._learned < LEARNED)

    def learn(self, gap: float) -> None:
        """Takes the picture just examined as an ordinary one."""
        if self._width is None:
            return
        # The first seconds are averaged plainly, then forgotten slowly.
        self._learned += gap
        part = 1.0 if self._learned <= gap else gap / min(self._learned, SETTLES)
        self._usual += min(1.0, part) * (self._width - self._usual)


def edge_width(grey: NDArray[np.uint8]) -> float | None:
    """Median width of the edges of a (H, W) picture, in pixels, 2 to 12; None where there are too few."""
    high, low = cv2.dilate(grey, AROUND), cv2.erode(grey, AROUND)
    slope = cv2.dilate(cv2.subtract(cv2.dilate(grey, BESIDE), cv2.erode(grey, BESIDE)), AROUND)
    contrast = cv2.subtract(high, low)[4::6, 4::6].astype(np.float32)
    steepest = slope[4::6, 4::6].astype(np.float32)
    # Edges must stand out, more so in a picture full of contrast; weak ones measure noise.
    floor = float(np.clip(0.12 * (float(grey.max()) - float(grey.min())), 12, 30))
    edges = contrast >= floor
    if np.count_nonzero(edges) < PLACES:
        return None
    return float(np.median(2 * contrast[edges] / steepest[edges]))
