"""Glare: a light shines into the lens, clips part of the picture and veils what is around it."""

import cv2
import numpy as np

from detectors.quality.finding import Finding
from detectors.quality.look import Floats, Look
from detectors.quality.memory import Kept, kept
from detectors.quality.smear import around, as_heat

LASTS = 2.0  # seconds that a cell must glare: headlights pass
SETTLES = 300.0  # seconds until a bright sky is usual
LEARNED = 5.0  # seconds
SOURCE = 0.015  # of the picture must be clipped, or there is no light
LIFTED = 10.0  # grey levels that scattered light adds
WIDE = 1.3  # times as many cells are veiled as clipped, at least: exposure clips more than it veils
FADED = 0.7  # of the usual contrast (deviation by mean) is left behind a veil
BESIDE = np.ones((3, 3), np.uint8)


class Glare:
    """Against the usual light and contrast of each cell, while nothing alarms.

    A lamp that is switched on lifts a scene and its contrast alike; light scattered in the lens lifts it
    without.
    """

    def __init__(self, sensitivity: float) -> None:
        self._threshold = 0.12**sensitivity  # share of the picture, clipped or veiled
        self._usual: Floats | None = None  # (3, rows, columns): share clipped, mean, deviation
        self._since: Floats | None = None  # (rows, columns) seconds for which each cell has glared
        self._learned = 0.0

    def examine(self, look: Look, gap: float) -> Finding:
        """Judges a picture seen `gap` seconds after the last; `learn` follows if nothing is wrong with it."""
        now = np.stack([look.clipped, look.mean, look.deviation])
        clipped, mean, deviation = now if self._usual is None else self._usual
        source = (look.clipped >= 0.5) & (clipped < 0.2)
        contrast = look.deviation * (mean + 1) < FADED * deviation * (look.mean + 1)
        veiled = (look.mean >= mean + LIFTED) & contrast & (deviation >= 3.0) & (look.clipped < 0.02)
        glaring = source | veiled
        # A veil belongs to a light: it reaches up to it.
        near = cv2.dilate(source.astype(np.uint8), BESIDE, iterations=2) > 0
        if source.mean() < SOURCE or veiled.sum() < WIDE * source.sum() or not (veiled & near).any():
            glaring[:] = False
        since = np.zeros_like(look.mean) if self._since is None else self._since
        self._since = np.where(glaring, since + gap, 0).astype(np.float32)
        lasting = glaring & (self._since >= LASTS)
        share = float(lasting.mean())
        reason = f"a light clips or veils {share:.0%} of the picture"
        unsure = self._learned < LEARNED
        if share < self._threshold:
            return Finding(share, self._threshold, reason, provisional=unsure)
        return Finding(share, self._threshold, reason, None, (around(lasting),), as_heat(lasting), unsure)

    def learn(self, look: Look, gap: float) -> None:
        """Takes the picture just examined as an ordinary one."""
        now = np.stack([look.clipped, look.mean, look.deviation])
        self._learned += gap
        part = min(1.0, gap / min(self._learned, SETTLES)) if gap else 0.0
        self._usual = now if self._usual is None else self._usual + part * (now - self._usual)

    def keep(self) -> Kept:
        """The usual light and contrast."""
        return {} if self._usual is None else {"usual": self._usual, "learned": kept(self._learned)}

    def recall(self, memory: Kept) -> None:
        """Takes up what `keep` gave."""
        if memory:
            self._usual, self._learned = memory["usual"], float(memory["learned"])
