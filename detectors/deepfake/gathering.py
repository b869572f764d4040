"""What good pictures of the people that a stream shows score, put together by who is seen and when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from config.detectors import DeepfakeSettings
from detectors.deepfake.following import Following
from detectors.deepfake.likelihood import Floats
from detectors.deepfake.scorer import Scorer
from detectors.deepfake.suspicion import RECENT
from detectors.detection import DetectorCard
from detectors.faces.face import FaceFinder
from streams.frame import Frame

FEWEST: Final = 8  # pictures of a sitting that counts
AGAIN: Final = 30.0  # seconds after which somebody who stays is looked at anew
MOST: Final = 200  # sittings that are kept: more would change nothing


@dataclass(slots=True, eq=False)
class Sitting:
    """A while of one face: as many pictures as the detector judges by, at most."""

    face: int  # which
    scores: list[float] = field(default_factory=list)  # fused
    ended: float = float("-inf")  # seconds: where the newest was taken


class Gathering:
    """Looks at the frames of one stream, in their order."""

    def __init__(self, settings: DeepfakeSettings, finder: FaceFinder, scorer: Scorer) -> None:
        self._settings = settings
        self._finder = finder
        self._scorer = scorer
        self._following = self._anew()
        self._first = self._last = 0  # numbers of faces: of this part they begin after the first
        self._open: dict[int, Sitting] = {}
        self._all: list[Sitting] = []
        self.frames = 0
        self.seen = 0  # faces in pictures,
        self.good = 0  # and those of them that can be judged

    @property
    def sittings(self) -> Sequence[Sitting]:
        """Those with enough pictures."""
        return [one for one in self._all if len(one.scores) >= FEWEST]

    @property
    def faces(self) -> int:
        """That were followed for long enough."""
        return len({one.face for one in self.sittings})

    @property
    def pictures(self) -> int:
        """Good ones of these."""
        return sum(len(one.scores) for one in self.sittings)

    @property
    def by_sitting(self) -> Sequence[Floats]:
        """The fused scores of each."""
        return [np.array(one.scores) for one in self.sittings]

    def begin_part(self) -> None:
        """Another recording: nobody is waited for."""
        self._following = self._anew()
        self._first, self._open = self._last, {}

    def add(self, frame: Frame) -> None:
        """Raises DetectorError where faces cannot be found or scored."""
        self.frames += 1
        sightings = self._following.look(frame, self._finder.find(frame.picture, self._settings.min_face))
        self.seen += len(sightings)
        good = [one for one in sightings if one.crop is not None]
        self.good += len(good)
        scores = self._scorer.score([one.crop for one in good if one.crop is not None]).fused
        for one, score in zip(good, scores, strict=True):
            number = self._first + one.number
            self._last = max(self._last, number)
            sitting = self._sitting(number, frame.position)
            if sitting is not None and len(sitting.scores) < RECENT:
                sitting.scores.append(float(score))
                sitting.ended = frame.position

    def _sitting(self, number: int, position: float) -> Sitting | None:
        sitting = self._open.get(number)
        if sitting is not None and not (len(sitting.scores) >= RECENT and position - sitting.ended >= AGAIN):
            return sitting
        if len(self._all) >= MOST:  # of the many who only pass, most did not stay long enough
            self._all = list(self.sittings)
        if len(self._all) >= MOST:
            return None
        sitting = self._open[number] = Sitting(number)
        self._all.append(sitting)
        return sitting

    def _anew(self) -> Following:
        card = DetectorCard("deepfake", self._scorer.model)  # nobody is judged: nothing is said of them
        return Following(self._settings, self._scorer.clips, self._scorer.side, card, 0.0)
