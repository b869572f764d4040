"""A normal that was learned anew, beside the one in force: believed once it has shown that it is no worse.

It looks at the pictures that come, which neither has learned from.
"""

from typing import Any

import numpy as np

from detectors.anomaly.method import Learned, Method
from detectors.anomaly.threshold import BLOCK, LIMIT

SETTLES = 60.0  # seconds in which its background follows to the light of now
BLOCKS = 60  # quiet ones that are compared
LONGEST = 3600.0  # seconds until it is given up, where nothing is quiet for so long
USUAL = 0.434  # mean surprise of normal blocks: -log10 of what is spread evenly over 0..1
WORSE = 0.15  # of mean surprise, above the one in force


class Trial:
    """Compares, picture by picture."""

    def __init__(self, method: Method, learned: Learned) -> None:
        self.learned = learned
        self.scorer = method.scorer(learned)
        self._seconds = 0.0
        self._last: float | None = None
        self._ours: list[float] = []
        self._theirs: list[float] = []
        self._block = (
            0.0,
            0.0,
            0.0,
            False,
        )  # seconds, highest of ours and of theirs, and whether it was quiet
        self._found = self._missed = 0  # alarms of the one in force
        self._false = 0  # alarms where it was quiet

    def look(
        self, now: Any, at: float, fresh: bool, score: float | None, threshold: float, quiet: bool
    ) -> None:
        """One more picture, which the one in force gave a score (None: could not tell)."""
        seconds = 0.0 if fresh or self._last is None else max(0.0, at - self._last)
        self._last = at
        self._seconds += min(seconds, BLOCK)
        said = self.scorer.score(now, at, fresh, 2 * LIMIT)  # so high: no maps are wanted
        if said is None or score is None or self._seconds < SETTLES:
            return
        spent, ours, theirs, calm = self._block if seconds else (0.0, 0.0, 0.0, True)
        spent += seconds
        ours, theirs, calm = max(ours, said.score), max(theirs, score), calm and quiet
        if spent >= BLOCK:
            self._count(ours, theirs, calm, threshold)
            spent, ours, theirs, calm = 0.0, 0.0, 0.0, True
        self._block = spent, ours, theirs, calm

    @property
    def better(self) -> bool | None:
        """True: to be believed. False: the one in force stays. None: not known yet."""
        if self._false or (self._missed and not self._found) or self._seconds > LONGEST:
            return False
        if len(self._ours) < BLOCKS:
            return None
        return float(np.mean(self._ours)) <= max(USUAL, float(np.mean(self._theirs))) + WORSE

    def _count(self, ours: float, theirs: float, calm: bool, threshold: float) -> None:
        if theirs >= threshold:
            self._found += ours >= threshold
            self._missed += ours < threshold
        elif calm:
            self._false += ours >= threshold
            self._ours.append(ours)
            self._theirs.append(theirs)
