"""Which footage may be learned from: only what is calm, well before and well after."""

import math

from detectors.anomaly.threshold import BLOCK

SUSPICIOUS = 0.6  # of the tail's threshold from which a picture is no example of normal
BEFORE = 3 * BLOCK  # seconds of footage before such a picture that are taken back: its block, and one more
AFTER = 10.0  # seconds after it before anything is learned
AFTER_ALARM = 60.0  # the same after an alarm


class Quiet:
    """Listens to one stream's scores."""

    def __init__(self, tail_threshold: float) -> None:
        self._level = SUSPICIOUS * tail_threshold
        self._until = -math.inf  # seconds since 1970
        self._last = -math.inf

    def suspicious(self, score: float, threshold: float) -> bool:
        """Whether a picture with such a score, and what is around it, is kept out."""
        return score >= min(self._level, threshold)

    def note(self, at: float, score: float, threshold: float) -> bool:
        """Whether a picture, at a time in seconds, may be learned from."""
        if at < self._last:  # the clock was set back
            self._until = min(self._until, at + AFTER_ALARM)
        self._last = at
        if score >= threshold:
            self._until = max(self._until, at + AFTER_ALARM)
        elif self.suspicious(score, threshold):
            self._until = max(self._until, at + AFTER)
        return at >= self._until
