"""Frozen: nothing new for some seconds, where 'new' means unlike every picture remembered.

Comparing only with the picture before is not enough. A frozen picture that is encoded again jumps a little at
every keyframe, but to a picture that was seen at the last keyframe already. A living scene without motion,
encoded at a low bitrate, repeats exactly between keyframes, but each keyframe brings sensor noise never seen
before.
"""

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.quality.finding import Finding
from detectors.quality.look import Look, cell_means

REMEMBERED = 16  # pictures
GENTLE = 8.0  # grey levels: a keyframe refreshes a still scene by less, in any cell
STILL_STREAM = 3.0  # times frozen_after, for a camera whose ordinary pictures repeat
LIVELY_OVER = 30.0  # seconds
PATIENCE = 12.0  # times frozen_after, at most


class Stillness:
    """Waits `frozen_after` seconds, and longer for a camera that is known to repeat its ordinary pictures."""

    def __init__(self, frozen_after: float) -> None:
        self._after = frozen_after
        self._pictures: deque[NDArray[np.uint8]] = deque(maxlen=REMEMBERED)
        self._still = 0.0  # seconds without anything new
        self._usual_news = 0.0  # mean difference in grey levels that is ordinary from picture to picture
        self._watched = 0.0  # seconds
        self._liveliness = 0.0  # share of recent pictures with news, 0..1
        self._longest_calm = 0.0  # seconds without news that ended as a still scene's keyframe does

    def examine(self, look: Look, gap: float, fresh: bool) -> Finding:
        """Judges a picture seen `gap` seconds after the last; a fresh one is new by definition."""
        if fresh:
            self._pictures.clear()
            self._still = 0.0
        else:
            self._still += gap
        difference, worst = self._unlike_all(look)
        # A starved encoder stirs a frozen picture: overlooked where the camera is usually far livelier.
        new = difference > np.clip(self._usual_news / 2, 0.2, 0.6) or worst > 2.0
        patient = self._patience()
        finding = Finding(
            self._still if not new else 0.0,
            patient,
            f"nothing new for {0.0 if new else self._still:.1f} s",
            provisional=self._liveliness < 0.5 and self._longest_calm == 0.0,
        )
        if new:
            self._learn(difference, worst)
            self._pictures.append(look.small)
            self._still = 0.0
        if not finding.alarming:
            self._watched += gap
            part = gap / min(self._watched, LIVELY_OVER) if self._watched else 1.0
            self._liveliness += part * (float(new) - self._liveliness)
        return finding

    def _unlike_all(self, look: Look) -> tuple[float, float]:
        """Mean and greatest cell's difference from the most similar remembered picture, in grey levels."""
        if not self._pictures:
            return 255.0, 255.0
        size = look.small.size
        nearest = min(self._pictures, key=lambda p: cv2.norm(p, look.small, cv2.NORM_L1))
        difference = cv2.absdiff(nearest, look.small)
        cells = cell_means(difference.astype(np.float32), look.cells)
        return float(cv2.norm(difference, cv2.NORM_L1)) / size, float(cells.max())

    def _patience(self) -> float:
        """Seconds without news that make a picture frozen on this camera."""
        if self._liveliness >= 0.5:
            return self._after
        calm = max(STILL_STREAM * self._after, 1.5 * self._longest_calm)
        return min(calm, PATIENCE * self._after)

    def _learn(self, difference: float, worst: float) -> None:
        """A stillness that ends gently, as with a keyframe, was an ordinary one."""
        if self._still > 1.0 and worst < GENTLE:
            self._longest_calm = max(self._still, self._longest_calm)
        if difference < 255.0:
            # Falls fast and rises slowly: settles near the quiet end of what is ordinary.
            part = 0.1 if difference < self._usual_news else 0.01
            self._usual_news += part * (difference - self._usual_news)
