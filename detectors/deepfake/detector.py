"""The deepfake detector: the Detector promise over one Following per stream."""

import hashlib
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from config.detectors import DeepfakeSettings
from config.state import ENROLMENT, enrolment_file
from detectors.deepfake import enrolment
from detectors.deepfake.following import Following
from detectors.deepfake.scorer import Scorer
from detectors.detection import Detection, DetectorCard, DetectorError, Kind
from detectors.device import limit_torch_threads
from detectors.faces.face import FaceFinder
from detectors.opening import Opening
from streams.frame import Frame

log = logging.getLogger(__name__)

NO_SOURCES: Final[Mapping[str, str]] = MappingProxyType({})
TOLD = 2  # times smaller than what can be judged: such a face is said to be too small


class DeepfakeDetector:
    """Finds the faces of each picture, follows them, and says of each how likely it is a fake."""

    name = "deepfake"
    kind = Kind.DEEPFAKE
    width = 1280  # px: of a face, every pixel counts

    def __init__(
        self,
        settings: DeepfakeSettings,
        finder: FaceFinder,
        open_scorer: Callable[[], Scorer],
        clock: Callable[[], float] = time.monotonic,
        state: Path | None = None,
        sources: Mapping[str, str] = NO_SOURCES,
    ) -> None:
        """`open_scorer` raises DetectorError while weights are missing, and is asked again then.

        `state`: the folder that may hold enrolments. `sources`: a hash of each stream's address. Both are
        looked at when a stream's first frame comes.
        """
        limit_torch_threads()
        self._settings = settings
        self._finder = finder
        self._open_scorer = open_scorer
        self._threshold = math.log(1000 / settings.false_alarms_per_thousand_faces)
        self._streams: dict[str, Following] = {}
        self._state, self._sources = state, sources
        self._opening = Opening(self._open, clock)  # its trouble is told when there is a frame to tell it of

    def examine(self, frames: Sequence[Frame]) -> Sequence[Sequence[Detection]]:
        """The crops of all frames go through the scorer together. Raises DetectorError without weights."""
        scorer, card = self._opening.get()
        followings = [self._following(frame.stream, scorer, card) for frame in frames]
        seen = [
            following.look(frame, self._finder.find(frame.picture, self._settings.min_face // TOLD))
            for following, frame in zip(followings, frames, strict=True)
        ]
        scores = scorer.score([one.crop for each in seen for one in each if one.crop is not None])
        first = 0
        said = []
        for following, frame, sightings in zip(followings, frames, seen, strict=True):
            many = sum(one.crop is not None for one in sightings)
            following.note(frame, sightings, scores.part(first, first + many))
            first += many
            wanted = following.wants_heat(frame, sightings)
            crops = [one.crop for one in wanted if one.crop is not None]
            for one, heat in zip(wanted, scorer.heat(crops), strict=True):
                following.draw(frame, one, heat)
            said.append(following.answer(frame, sightings))
        return said

    def forget(self, stream: str) -> None:
        """Drops the faces of a stream."""
        self._streams.pop(stream, None)

    def close(self) -> None:
        """Nothing runs in the background."""

    def _open(self) -> tuple[Scorer, DetectorCard]:
        scorer = self._open_scorer()
        card = DetectorCard(
            name=self.name,
            model=f"{scorer.model}, faces by {self._finder.name}",
            model_sha256=scorer.sha256,
            config_sha256=hashlib.sha256(self._settings.model_dump_json().encode()).hexdigest(),
        )
        return scorer, card

    def _following(self, stream: str, scorer: Scorer, card: DetectorCard) -> Following:
        if stream not in self._streams:
            clips, kept = scorer.clips, {}
            if (enrolled := self._enrolled(stream, scorer)) is not None:
                card = replace(card, model=f"{card.model}, enrolled {enrolled.sha256[: enrolment.SHORT]}")
                clips, kept = enrolled.clips, {ENROLMENT: enrolled.to_bytes()}
            self._streams[stream] = Following(self._settings, clips, scorer.side, card, self._threshold, kept)
        return self._streams[stream]

    def _enrolled(self, stream: str, scorer: Scorer) -> enrolment.Enrolment | None:
        """Of its own people; an enrolment that does not fit changes nothing, and is said."""
        if self._state is None or stream not in self._sources:
            return None
        try:
            return enrolment.load(enrolment_file(self._state, stream), self._sources[stream], scorer.sha256)
        except DetectorError as error:
            log.warning("%s: its people are judged as if they were not enrolled: %s", stream, error)
            return None
