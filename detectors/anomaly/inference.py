"""Scores one stream's pictures by what was learned of it."""

from dataclasses import replace

import numpy as np

from detectors.anomaly.features import Observer, Recent, Small
from detectors.anomaly.method import UNUSUAL, Reading
from detectors.anomaly.normal import Normal
from detectors.anomaly.score import Map, boxes, explain

NEAR = 0.7  # of the threshold from which a picture is worth a heat map and words
ODD_GAP = 2.0  # times the gap that was learned with: flow over more, or less, compares badly


class Scorer:
    """Looks at one stream's pictures in their order."""

    def __init__(self, normal: Normal) -> None:
        self.useless = 0.0  # seconds in which no picture could be compared as it was learned
        self._normal = normal
        self._observer = Observer(normal.background)
        self._recent = Recent()
        self._map = Map(normal.expectation.places.shape)
        self._before: float | None = None

    def score(self, now: Small, at: float, fresh: bool, threshold: float) -> Reading | None:
        """One more picture, `at` seconds of its connection.

        None where it has no predecessor to compare with, as far back as those that were learned from: it is
        the first one, or pictures were lost before it.
        """
        if fresh or self._before is None or at <= self._before:
            self._recent.forget()
            self._map.forget()
            self._before = at
        seconds, self._before = at - self._before, at
        pair = self._recent.past(now, at)
        if pair is None:
            return None
        past, gap = pair
        if not 1 / ODD_GAP <= gap / self._normal.gap <= ODD_GAP:
            self.useless += seconds
            return None
        self.useless = 0.0
        cells = self._observer.describe(now, past, gap)
        self._observer.follow(now, seconds)
        raw = self._normal.expectation.strangeness(cells)
        scores = self._map.add(cells, raw, seconds)
        highest = float(scores.max())
        score = self._normal.tail.surprise(highest)
        if score < NEAR * threshold:
            return Reading(score)
        return Reading(
            score,
            boxes(scores, 0.5 * highest, now),
            np.clip(scores / (2 * self._normal.tail.raw(threshold)), 0, 1),
            *(explain(cells, raw, self._normal.expectation) if len(raw) else (UNUSUAL, "")),
        )

    def learned(self) -> Normal:
        """The normal, its background as it has followed the light."""
        return replace(self._normal, background=self._observer.background)
