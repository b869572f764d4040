"""Defocused and blurred: how wide edges are, and whether detail is gone in one direction alone.

An ideal edge that a blur of sigma pixels softens climbs its contrast C with the greatest slope
C / (sigma sqrt(2 pi)), so contrast / slope is its width, whatever its contrast and however many there are;
compare Marziliano et al., "A no-reference perceptual blur metric", ICIP 2002. Optics out of focus widen edges
in all directions alike. A camera that swings while it exposes draws them out in one, and leaves those alone
that run along it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.detection import Doubt
from detectors.quality.finding import Fault, Finding
from detectors.quality.look import WIDTH, Floats, Look
from detectors.quality.memory import Kept, kept

AROUND = np.ones((13, 13), np.uint8)  # working pixels in which an edge must find room
BESIDE = np.ones((3, 3), np.uint8)
SOFT = 4.5  # working pixels: edges this wide are blurred on any camera
SETTLES = 300.0  # seconds until another sharpness is the usual one
LEARNED = 5.0  # seconds of good footage until the camera's own sharpness counts
PLACES = 12  # edges needed to tell
DRAWN_OUT = 1.65  # times as much detail is left at right angles
LOST = 0.4  # of the usual detail is left, at most, in the direction that is drawn out
BARE = 0.12  # of the usual detail is left in every direction: edges need not be so much wider then
WIDER = 1.2  # times the usual: edges are no wider, no blur


class Sharpness:
    """Against the camera's usual edge width, and an absolute one for a camera blurred from the start."""

    def __init__(self, sensitivity: float) -> None:
        self._soft = 1 + 0.5 / sensitivity  # times the usual width
        self._drawn_out = 1 + (DRAWN_OUT - 1) / sensitivity
        self._usual = SOFT / 1.5
        self._detail: Floats | None = None  # usual detail (2, 2)
        self._learned = 0.0
        self._width: float | None = None
        self._now = np.eye(2, dtype=np.float32)
        self._ratio = 0.0  # of the detail left at right angles, over the last pictures that are soft
        self._soft_before = False

    def examine(self, look: Look) -> dict[Fault, Finding]:
        """Judges one picture; `learn` is called afterwards if nothing is wrong with it."""
        self._width = edge_width(look.grey)
        self._now = detail(look.grey)
        if self._width is None:
            words = "too few edges to tell sharp from blurred"
            return {
                Fault.BLURRED: Finding(0.0, self._drawn_out, words, Doubt.TOO_PLAIN),
                Fault.DEFOCUSED: Finding(0.0, self._soft, words, Doubt.TOO_PLAIN),
            }
        usual = min(self._usual, SOFT / 1.5)
        wider = score = self._width / usual
        along = beside = 1.0
        if self._detail is not None and self._learned >= LEARNED:
            along, beside = left(self._now, self._detail)
            score = max(score, self._soft * min(wider / WIDER, BARE / max(beside, 1e-4)))
        reason = f"edges are {self._width / WIDTH:.1%} of the picture wide, usually {self._usual / WIDTH:.1%}"
        return {
            Fault.BLURRED: self._blurred(wider, along, beside),
            Fault.DEFOCUSED: Finding(score, self._soft, reason, provisional=self._learned < LEARNED),
        }

    def learn(self, gap: float) -> None:
        """Takes the picture just examined as an ordinary one."""
        if self._width is None:
            return
        # The first seconds are averaged plainly, then forgotten slowly.
        self._learned += gap
        part = 1.0 if self._learned <= gap else min(1.0, gap / min(self._learned, SETTLES))
        self._usual += part * (self._width - self._usual)
        self._detail = self._now if self._detail is None else self._detail + part * (self._now - self._detail)

    def keep(self) -> Kept:
        """The usual width and detail."""
        if self._detail is None:
            return {}
        return {"usual": kept(self._usual), "detail": self._detail, "learned": kept(self._learned)}

    def recall(self, memory: Kept) -> None:
        """Takes up what `keep` gave."""
        if memory:
            self._usual, self._learned = float(memory["usual"]), float(memory["learned"])
            self._detail = memory["detail"]

    def _blurred(self, wider: float, along: float, beside: float) -> Finding:
        if self._learned < LEARNED:
            words = f"learning how sharp the picture is, {self._learned / LEARNED:.0%}"
            progress = self._learned / LEARNED
            return Finding(0.0, self._drawn_out, words, Doubt.LEARNING, progress=progress)
        ratio = beside / max(along, 1e-4)
        self._ratio += (0.3 if self._soft_before and wider >= WIDER else 1.0) * (ratio - self._ratio)
        self._soft_before = wider >= WIDER
        soft = min(wider / WIDER, LOST / max(along, 1e-4))
        score = min(self._ratio, self._drawn_out * soft)
        reason = f"detail is drawn out one way: {self._ratio:.1f} times as much is left at right angles to it"
        return Finding(score, self._drawn_out, reason)


def detail(grey: NDArray[np.uint8]) -> Floats:
    """Structure tensor (2, 2) of an (H, W) picture: mean products of its slopes, grey levels squared."""
    across, down, falling, rising = (
        cv2.norm(one, other, cv2.NORM_L2SQR) / one.size
        for one, other in (
            (grey[:, 1:], grey[:, :-1]),
            (grey[1:], grey[:-1]),
            (grey[1:, 1:], grey[:-1, :-1]),
            (grey[:-1, 1:], grey[1:, :-1]),
        )
    )
    both = (falling - rising) / 4  # diagonal neighbours stand twice as far apart, squared
    return np.array([[across, both], [both, down]], np.float32)


def left(now: Floats, usual: Floats) -> tuple[float, float]:
    """Least and greatest share of the usual detail that is left in any direction: generalised eigenvalues."""
    root = np.linalg.inv(np.linalg.cholesky(usual.astype(np.float64) + 1e-2 * np.eye(2)))
    least, greatest = np.linalg.eigvalsh(root @ now @ root.T)
    return float(least), float(greatest)


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
