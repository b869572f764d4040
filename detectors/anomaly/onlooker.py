"""Judges what stands in one stream's view, and lets the scenery follow what changes slowly."""

from dataclasses import replace

import numpy as np

from detectors.anomaly.expected import pictured
from detectors.anomaly.features import Floats, Small
from detectors.anomaly.method import Reading
from detectors.anomaly.scenery import BEAT, Beats, Watch
from detectors.anomaly.scenery_score import Scenery, explain
from detectors.anomaly.score import boxes
from detectors.anomaly.threshold import Tail

SPEAKS = 0.6  # of the threshold: of less it says nothing, for it may be the light
SUSPECT = 0.5  # of what the threshold asks for: such a place is taken into the scenery slowly


class Onlooker:
    """Looks at a stream's pictures in their order, at few of them closely."""

    def __init__(self, scenery: Scenery) -> None:
        self.scores: Floats = np.zeros(scenery.places.shape, np.float32)  # (rows, cols) raw, of the last look
        self._learned = scenery
        self._beats = Beats()
        self._watch = Watch(scenery.backdrop)
        self._values: Floats = scenery.mean
        self._looked: float | None = None
        self._speaks = 0.0  # surprise up to which it says nothing

    @property
    def scenery(self) -> Scenery:
        """As it has followed the light."""
        return replace(self._learned, backdrop=self._watch.backdrop)

    def forget(self) -> None:
        """The next picture stands alone."""
        self._beats.forget()
        self._watch.forget()
        self.scores = np.zeros_like(self.scores)
        self._looked = None

    def look(self, now: Small, at: float, threshold: float) -> float:
        """The surprise after one more picture at `at` seconds; 0 until enough was seen, and up to a share of
        the threshold."""
        self._speaks = SPEAKS * threshold
        beat = self._beats.add(now, at)
        if beat is not None:
            standing = self._watch.see(beat)
            self._values = self._watch.describe(standing)
            self.scores = self._learned.map(self._values)
            suspect = self.scores > SUSPECT * self._learned.tail.raw(threshold)
            self._watch.absorb(standing, suspect, BEAT if self._looked is None else at - self._looked)
            self._looked = at
        surprise = self._learned.tail.surprise(float(self.scores.max()))
        return surprise if surprise >= self._speaks else 0.0

    def surprises(self) -> Floats:
        """(rows, cols) the same for each place."""
        found = surprises(self.scores, self._learned.tail)
        return np.where(found >= self._speaks, found, 0).astype(np.float32)

    def reading(self, score: float, now: Small, threshold: float) -> Reading:
        """Where it is, what kind of change, and why."""
        highest, backdrop = float(self.scores.max()), self._watch.backdrop
        enough = self._learned.tail.raw(threshold)
        return Reading(
            score,
            boxes(self.scores, min(0.5 * highest, enough), now),
            np.clip(self.scores / (2 * enough), 0, 1),
            *explain(self.scores, self._values, self._learned),
            expected=pictured(backdrop.grey, backdrop.colour, now),
        )


def surprises(scores: Floats, tail: Tail) -> Floats:
    """(rows, cols) the surprise of each place's raw score."""
    levels = np.linspace(0, float(scores.max()) + 1e-6, 256)
    return np.interp(scores, levels, [tail.surprise(float(level)) for level in levels]).astype(np.float32)
