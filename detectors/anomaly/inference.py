"""Scores one stream's pictures by what was learned of it: by what moves, and by what stands.

Each expert has a tail of its own, so both speak of the share of normal blocks that reach as high. The higher
one counts, less the chance that either of two says something: a picture's score keeps its meaning.
"""

import math
import zlib
from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.before import Before
from detectors.anomaly.expected import pictured
from detectors.anomaly.explaining import explain
from detectors.anomaly.features import Floats, Observer, Recent, Small
from detectors.anomaly.method import UNUSUAL, Reading
from detectors.anomaly.normal import Normal
from detectors.anomaly.onlooker import Onlooker, surprises
from detectors.anomaly.score import Map, boxes, strongest

NEAR = 0.7  # of the threshold from which a picture is worth a heat map and words
WARY = 30  # pictures after one that was near before which what is known is copied, as evidence
REMEMBERED = 16  # pictures: a frozen one that is encoded anew looks otherwise until its next keyframe
HOLE = 5.0  # seconds that one missing stretch counts for, at most: a stall is no other pace
ODD_GAP = 2.0  # times the gap that was learned with: flow over more, or less, compares badly


class Scorer:
    """Looks at one stream's pictures in their order."""

    def __init__(self, normal: Normal) -> None:
        self.useless = 0.0  # seconds in which no picture could be compared as it was learned
        self._normal = normal
        self._observer = Observer(normal.background)
        self._recent = Recent()
        self._map = Map(normal.expectation.places.shape)
        self._onlooker = Onlooker(normal.scenery) if normal.scenery else None
        self._either = math.log10(2) if self._onlooker else 0.0
        self._scores: Floats = np.zeros(normal.expectation.places.shape, np.float32)  # of the last picture
        self._before: float | None = None
        self._wary = 0  # pictures
        self._seen: deque[int] = deque(maxlen=REMEMBERED)  # checksums of the last pictures
        self._told = 0.0  # the score of the last picture that was none of these

    def score(self, now: Small, at: float, fresh: bool, threshold: float) -> Reading | None:
        """One more picture, `at` seconds of its connection.

        None where it has no predecessor to compare with, as far back as those that were learned from: it is
        the first one, or pictures were lost before it.
        """
        before = Before.of(self) if self._wary else None
        reading = self._score(now, at, fresh, threshold)
        near = reading is not None and reading.score >= NEAR * threshold
        self._wary = WARY if near else max(0, self._wary - 1)
        return reading and replace(reading, before=before)

    def _score(self, now: Small, at: float, fresh: bool, threshold: float) -> Reading | None:
        if fresh or self._before is None or at <= self._before:
            self._recent.forget()
            self._map.forget()
            if self._onlooker:
                self._onlooker.forget()
            self._before = at
            self._seen.clear()
        seconds, self._before = at - self._before, at
        checksum = zlib.crc32(now.grey.data)
        again = checksum in self._seen
        if not again:
            self._seen.append(checksum)
        standing = 0.0
        if self._onlooker:
            standing = self._onlooker.look(now, at, threshold + self._either)
        pair = self._recent.past(now, at)
        if pair is None:
            return None
        past, gap = pair
        if not 1 / ODD_GAP <= gap / self._normal.gap <= ODD_GAP:
            self.useless += min(seconds, HOLE)
            self._observer.follow(now, seconds)
            return None
        self.useless = 0.0
        cells = self._observer.describe(now, past, gap)
        self._observer.follow(now, seconds)
        raw = self._normal.expectation.strangeness(cells)
        scores = self._scores = self._map.add(cells, raw, seconds)
        highest = float(scores.max())
        moving = self._normal.tail.surprise(highest)
        score = float(self._of_either(max(moving, standing)))
        if again:  # who stops because the picture stops is nothing unusual: the camera may be frozen
            score = min(score, self._told)
        self._told = score
        if score < NEAR * threshold:
            return Reading(score)
        if self._onlooker and standing >= moving:
            return self._onlooker.reading(score, now, threshold + self._either)
        enough = self._normal.tail.raw(threshold + self._either)
        level = min(0.5 * highest, enough)
        kind, reason = UNUSUAL, ""
        if len(raw):
            kind, reason = explain(
                cells,
                raw,
                self._normal.expectation,
                strongest(scores, level),
                self._observer.levelled(now.grey),
                self._observer.background.grey,
            )
        return Reading(
            score,
            boxes(scores, level, now),
            np.clip(scores / (2 * enough), 0, 1),
            kind,
            reason,
            expected=pictured(self._observer.background.grey, self._observer.background.colour, now),
        )

    @property
    def unchanging(self) -> dict[str, object]:
        """What scoring never changes: a copy of this scorer may share it."""
        held: dict[str, object] = {"normal": self._normal, "flow": self._observer.flow}
        if self._normal.scenery:
            held["learned scenery"] = self._normal.scenery
        return held

    def surprises(self) -> Floats:
        """(rows, cols) how unusual each place of the picture scored last is, on the scale of the score."""
        found = surprises(self._scores, self._normal.tail)
        if self._onlooker:
            found = np.maximum(found, self._onlooker.surprises())
        return np.asarray(self._of_either(found), np.float32)

    def _of_either(self, surprise: float | Floats) -> float | Floats:
        return of_either(surprise) if self._onlooker else surprise

    def learned(self) -> Normal:
        """The normal, its background and its scenery as they have followed the light."""
        scenery = self._onlooker.scenery if self._onlooker else None
        return replace(self._normal, background=self._observer.background, scenery=scenery)


def of_either(surprise: float | NDArray[np.floating[Any]]) -> Any:
    """How surprising it is that one of two experts is as surprised as that, if each says so by itself."""
    share = 10.0**-surprise
    return -np.log10(share * (2 - share))
