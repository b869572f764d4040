"""Looped: old pictures come again in their old order, as when a recording is played in place of the camera.

Each picture is a signature of cell means. One that returns is far more like itself than like any other that
was seen; a still scene, a traffic light or a fan is as much like many others. So one without a match that
stands out says nothing, and one that stands out, again and again at one and the same distance in time, is a
recording. Matching sequences is the idea of copy detection: Hampapur, Hyun and Bolle, "Comparison of sequence
matching techniques for video copy detection", 2002.
"""

import numpy as np
from numpy.typing import NDArray

from detectors.detection import Doubt
from detectors.quality.finding import Finding
from detectors.quality.look import Floats, Look

EVERY = 0.19  # seconds between signatures, at least
SEARCH = 0.95  # seconds between searches
WATCHED = 120.0  # seconds that must be known: a machine that repeats itself has shown it twice by then
LEAST = 8.0  # seconds: what comes again sooner is not called a loop
BESIDE = 2.0  # seconds around a match in which pictures are alike anyway
STANDS_OUT = 0.4  # a match differs by less than this part of what all others differ by
JITTER = 0.45  # seconds by which two looks at one loop may differ, and a search may be off
TOLD = 8.0  # seconds of matches that stand out, all at one distance
PLAIN = 0.0025  # grey levels squared: what differs by less from all others is drawn, not seen


class Loop:
    """Remembers `minutes` of signatures: about 1.7 MB for ten minutes at five pictures a second."""

    def __init__(self, minutes: float, sensitivity: float) -> None:
        self._threshold = TOLD / sensitivity
        self._reach = 60 * minutes  # seconds
        self._seen = np.empty((0, 0), np.float32)  # ring of signatures, (n, cells)
        self._times = np.empty(0)
        self._count = 0
        self._now = 0.0  # seconds of footage
        self._searched = 0.0
        self._apart = 0.0  # seconds: the distance in time at which matches stand out
        self._matched = 0.0  # seconds of matches that stand out there

    def examine(self, look: Look, gap: float) -> Finding:
        """Judges a picture seen `gap` seconds after the last."""
        if self._reach == 0:
            return Finding(0.0, self._threshold, "loops are not looked for")
        self._now += gap
        signature = look.mean.ravel()
        if self._count == 0 or self._now - self._times[(self._count - 1) % len(self._times)] >= EVERY:
            self._remember(signature)
        if self._now < WATCHED:
            progress = self._now / WATCHED
            words = f"learning what comes again here, {progress:.0%}"
            return Finding(0.0, self._threshold, words, Doubt.LEARNING, progress=progress)
        since = self._now - self._searched
        if since >= SEARCH:
            self._searched = self._now
            self._search(signature, min(since, 2 * SEARCH))
        if self._matched == 0:
            return Finding(0.0, self._threshold, "no picture came again")
        words = f"{self._matched:.0f} s of pictures came again as they were {self._apart:.1f} s before"
        return Finding(self._matched, self._threshold, words)

    def _remember(self, signature: Floats) -> None:
        if not len(self._seen):
            room = int(self._reach / EVERY) + 2
            self._seen = np.zeros((room, len(signature)), np.float32)
            self._times = np.full(room, -np.inf)
        self._seen[self._count % len(self._seen)] = signature
        self._times[self._count % len(self._seen)] = self._now
        self._count += 1

    def _search(self, signature: Floats, since: float) -> None:
        filled = min(self._count, len(self._seen))
        ago = self._now - self._times[:filled]
        old = (ago >= LEAST) & (ago <= self._reach)
        if old.sum() < 2 * BESIDE / EVERY:
            return
        # Squares: what moves in a few cells weighs more than what the codec stirs in all of them.
        apart_by = self._seen[:filled] - signature
        differences = np.einsum("ij,ij->i", apart_by, apart_by) / len(signature)  # grey levels squared
        if self._matched >= self._threshold:  # told: it goes on while pictures match there
            here = old & (np.abs(ago - self._apart) <= JITTER)
            others = old & (np.abs((ago + self._apart / 2) % self._apart - self._apart / 2) > BESIDE)
            if here.any() and others.any():
                best, typical = differences[here].min(), np.median(differences[others])
                if best <= STANDS_OUT * typical or typical < PLAIN:
                    self._matched += since
                    return
            self._matched = 0.0
            return
        differences[~old] = np.inf
        match = int(differences.argmin())
        apart, best = float(ago[match]), float(differences[match])
        others = old & (np.abs(ago - apart) > BESIDE)
        rival = float(differences[others].min()) if others.any() else 0.0
        if rival < PLAIN or best > STANDS_OUT * rival:
            # Nothing stands out. What matches nothing at all is new, and no recording goes on like that.
            if self._matched and self._off(differences, ago, old):
                self._matched = 0.0
            return
        if self._matched and abs(apart - self._apart) <= JITTER:
            self._matched += since
        else:
            self._apart, self._matched = apart, since

    def _off(self, differences: Floats, ago: NDArray[np.float64], old: NDArray[np.bool_]) -> bool:
        here = old & (np.abs(ago - self._apart) <= JITTER)
        return not here.any() or float(differences[here].min()) > 2 * float(differences[old].min()) + PLAIN
