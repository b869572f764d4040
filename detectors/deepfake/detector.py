"""The deepfake detector: the Detector promise over one Following per stream."""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

from config.settings import DeepfakeSettings
from detectors.deepfake.following import Following
from detectors.deepfake.model import SHIPPED, Model
from detectors.detection import Detection, DetectorCard, Kind
from detectors.device import Device, limit_torch_threads
from detectors.faces.face import FaceFinder
from streams.frame import Frame


class DeepfakeDetector:
    """Finds the faces of each picture, follows them, and says of each how likely it is a fake."""

    name = "deepfake"
    kind = Kind.DEEPFAKE
    width = 1280  # px: of a face, every pixel counts

    def __init__(
        self, settings: DeepfakeSettings, finder: FaceFinder, device: Device = "cpu", weights: Path = SHIPPED
    ) -> None:
        """Raises DetectorError where the weights cannot be used."""
        limit_torch_threads()
        self._settings = settings
        self._finder = finder
        self._model = Model(weights, device)
        self._threshold = math.log(1000 / settings.false_alarms_per_thousand_faces)
        self._streams: dict[str, Following] = {}
        self._card = DetectorCard(
            name=self.name,
            model=f"embedded, faces by {finder.name}",
            model_sha256=self._model.sha256,
            config_sha256=hashlib.sha256(settings.model_dump_json().encode()).hexdigest(),
        )

    def examine(self, frames: Sequence[Frame]) -> Sequence[Sequence[Detection]]:
        """The crops of all frames go through the model together."""
        followings = [self._following(frame.stream) for frame in frames]
        seen = [
            following.look(frame, self._finder.find(frame.picture, self._settings.min_face))
            for following, frame in zip(followings, frames, strict=True)
        ]
        scores = self._model.score([one.crop for each in seen for one in each if one.crop is not None])
        first = 0
        said = []
        for following, frame, sightings in zip(followings, frames, seen, strict=True):
            many = sum(one.crop is not None for one in sightings)
            following.note(frame, sightings, scores.part(first, first + many))
            first += many
            wanted = following.wants_heat(frame, sightings)
            crops = [one.crop for one in wanted if one.crop is not None]
            for one, heat in zip(wanted, self._model.heat(crops), strict=True):
                following.draw(frame, one, heat)
            said.append(following.answer(frame, sightings))
        return said

    def forget(self, stream: str) -> None:
        """Drops the faces of a stream."""
        self._streams.pop(stream, None)

    def close(self) -> None:
        """Nothing runs in the background."""

    def _following(self, stream: str) -> Following:
        if stream not in self._streams:
            self._streams[stream] = Following(self._settings, self._model.facts, self._card, self._threshold)
        return self._streams[stream]
