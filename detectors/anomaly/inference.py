"""Scores one stream's pictures by what was learned of it."""

from dataclasses import dataclass

import numpy as np

from detectors.anomaly.features import Floats, Observer, Recent, Small
from detectors.anomaly.normal import Normal
from detectors.anomaly.score import Map, boxes, explain
from detectors.anomaly.threshold import threshold_for
from detectors.detection import Region

UNUSUAL = "unusual"  # the label while there is nothing to tell apart
NEAR = 0.7  # of the threshold from which a picture is worth a heat map and words
ODD_GAP = 2.0  # times the gap that was learned with: flow over more, or less, compares badly
BLIND = 60.0  # seconds of nothing but odd gaps after which what was learned is of no use


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """How unusual one picture is."""

    score: float  # -log10 of the share of normal blocks that would score as high
    regions: tuple[Region, ...] = ()
    heatmap: Floats | None = None  # (rows, cols) 0..1; .5 is the threshold
    kind: str = UNUSUAL  # 'motion' or 'content' where it is near the threshold
    reason: str = ""


class Scorer:
    """Looks at one stream's pictures in their order."""

    def __init__(self, normal: Normal, false_alarms_per_day: float) -> None:
        self.normal = normal
        self.threshold = threshold_for(false_alarms_per_day)
        self.observer = Observer(normal.background)
        self.useless = 0.0  # seconds in which no picture could be compared as it was learned
        self._level = normal.tail.raw(self.threshold)
        self._recent = Recent()
        self._map = Map(normal.expectation.places.shape)
        self._before: float | None = None

    def score(self, now: Small, at: float, fresh: bool) -> Reading | None:
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
        if not 1 / ODD_GAP <= gap / self.normal.gap <= ODD_GAP:
            self.useless += seconds
            return None
        self.useless = 0.0
        cells = self.observer.describe(now, past, gap)
        self.observer.follow(now, seconds)
        raw = self.normal.expectation.strangeness(cells)
        scores = self._map.add(cells, raw, seconds)
        highest = float(scores.max())
        score = self.normal.tail.surprise(highest)
        if score < NEAR * self.threshold:
            return Reading(score)
        return Reading(
            score,
            boxes(scores, 0.5 * highest, now),
            np.clip(scores / (2 * self._level), 0, 1),
            *(explain(cells, raw, self.normal.expectation) if len(raw) else (UNUSUAL, "")),
        )
