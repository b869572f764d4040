"""Scores one stream's pictures by what was learned of their maps."""

import math

import cv2
import numpy as np

from detectors.anomaly.features import Floats
from detectors.anomaly.maps import Maps
from detectors.anomaly.maps_normal import MapsNormal
from detectors.anomaly.method import Reading
from detectors.detection import Region

MEMORY = 0.3  # seconds over which maps are averaged
NEAR = 0.7  # of the threshold from which a picture is worth a heat map and words
BOXES = 5


class Smoothed:
    """Raw scores over the picture, averaged over neighbours and over the last moments."""

    def __init__(self) -> None:
        self._now: Floats | None = None

    def forget(self) -> None:
        """The next picture stands alone."""
        self._now = None

    def add(self, raw: Floats, seconds: float) -> Floats:
        """(rows, cols) after one more picture, `seconds` after the one before."""
        raw = cv2.blur(raw, (3, 3), borderType=cv2.BORDER_REPLICATE)  # type: ignore[assignment]
        share = np.float32(1 - math.exp(-seconds / MEMORY))
        self._now = raw if self._now is None else self._now + share * (raw - self._now)
        return self._now


class MapsScorer:
    """Looks at one stream's pictures in their order."""

    def __init__(self, normal: MapsNormal) -> None:
        self.useless = 0.0  # each picture can be judged by itself
        self._normal = normal
        self._smoothed = Smoothed()
        self._before: float | None = None

    def score(self, now: Maps, at: float, fresh: bool, threshold: float) -> Reading:
        """One more picture, `at` seconds of its connection."""
        if fresh or self._before is None or at <= self._before:
            self._smoothed.forget()
            self._before = at
        seconds, self._before = at - self._before, at
        scores = self._smoothed.add(self._normal.raw(now.values.astype(np.float32)), seconds)
        highest = float(scores.max())
        score = self._normal.tail.surprise(highest)
        if score < NEAR * threshold:
            return Reading(score)
        heatmap = np.clip(scores / (2 * self._normal.tail.raw(threshold)), 0, 1).astype(np.float32)
        return Reading(
            score,
            boxes(scores, 0.5 * highest),
            heatmap,
            "content",
            "looks unlike what is usual here",
            expected=now.expected,
        )

    def learned(self) -> MapsNormal:
        """As it was: the next lesson follows the camera."""
        return self._normal


def boxes(scores: Floats, level: float) -> tuple[Region, ...]:
    """Where (rows, cols) scores reach a level, the highest first."""
    rows, cols = scores.shape
    count, marks, stats, _ = cv2.connectedComponentsWithStats((scores >= level).astype(np.uint8))
    order = sorted(range(1, count), key=lambda mark: -float(scores[marks == mark].max()))
    return tuple(
        Region(left / cols, top / rows, width / cols, height / rows)
        for left, top, width, height, _ in stats[order[:BOXES]].tolist()
    )
