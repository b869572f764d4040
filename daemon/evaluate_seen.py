"""Shows real and fake faces to the deepfake model as the daemon would, one picture after the other."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.detectors import DeepfakeSettings
from daemon.bar import Tell
from daemon.evaluate_faces import Clip, look_through
from daemon.evaluate_footage import FootageError
from detectors.deepfake.baselines import described
from detectors.deepfake.crop import Crop, crop_of, whole
from detectors.deepfake.detector import DeepfakeDetector
from detectors.deepfake.model import Scores
from detectors.deepfake.scorer import Scorer
from detectors.detection import Doubt
from detectors.faces.face import Face, FaceFinder
from detectors.faces.looks import doubt_of, look
from streams.frame import Frame

WIDTH: Final = DeepfakeDetector.width
BATCH: Final = 16

Floats = NDArray[np.float64]
Noted = Callable[[Frame, Face | None, Crop], None]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What came of the N pictures of one clip that could be read."""

    clip: Clip
    numbers: tuple[int, ...]  # of the pictures in their clip
    faces: tuple[Face | None, ...]  # the largest of each picture
    doubts: tuple[Doubt | None, ...]  # why not judged
    scores: Scores  # (N,) each; of a picture in doubt, too: of its face all the same, or of the whole picture
    plain: Floats  # (N, features) for the trivial baseline
    weights: Floats  # (N,) bytes of file a pixel; nan where it is a video

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(N,) whether the daemon would judge it."""
        return np.array([one is None for one in self.doubts], bool)


@dataclass(slots=True, eq=False)
class Witness:
    """Finds the largest face of a picture, says whether it can be judged, and cuts it out."""

    settings: DeepfakeSettings
    finder: FaceFinder
    model: Scorer
    seconds: float = field(default=0.0, init=False)  # of one core, for all scores
    crops: int = field(default=0, init=False)  # scored
    find_seconds: float = field(default=0.0, init=False)
    pictures: int = field(default=0, init=False)

    def see(self, frame: Frame) -> tuple[Face | None, Doubt | None, Crop]:
        """The crop is of the whole picture where there is no face."""
        began = time.thread_time()
        faces = self.finder.find(frame.picture, self.settings.min_face)
        self.find_seconds += time.thread_time() - began
        self.pictures += 1
        if not faces:
            return None, Doubt.NO_FACE, whole(frame.picture, self.model.side)
        face = max(faces, key=lambda one: one.width * one.height)
        doubt = self.doubt(frame.picture, face)
        if doubt is None and frame.damaged:
            doubt = Doubt.DAMAGED
        return face, doubt, self.crop(frame.picture, face)

    def doubt(self, picture: NDArray[np.uint8], face: Face) -> Doubt | None:
        """Why this face cannot be judged."""
        said = doubt_of(look(picture, face), self.settings.min_face)
        return said[0] if said else None

    def crop(self, picture: NDArray[np.uint8], face: Face) -> Crop:
        """What the model looks at."""
        return crop_of(picture, face, self.model.side)

    def score(self, crops: Sequence[Crop]) -> Scores:
        """As the model does, timed."""
        began = time.thread_time()
        scores = self.model.score(crops)
        self.seconds += time.thread_time() - began
        self.crops += len(crops)
        return scores


def _unnoted(frame: Frame, face: Face | None, crop: Crop) -> None:
    """Where nobody wants to know."""


async def see_all(
    witness: Witness, clips: Sequence[Clip], fps: float, tell: Tell, noted: Noted = _unnoted
) -> tuple[list[Seen], dict[bool, int]]:
    """Each clip with a picture that can be read, and how many real (False) and fake files cannot be.

    `noted` is told of each picture, in their order. Raises FootageError where a half is left with nothing.
    """
    seen, unreadable = [], {False: 0, True: 0}
    for number, clip in enumerate(clips):
        tell("looking at faces", number / len(clips))
        one, lost = await _see(witness, clip, fps, noted)
        unreadable[clip.fake] += lost
        seen += [one] if one else []
    for fake, half in ((False, "real"), (True, "fake")):
        if not any(one.clip.fake == fake for one in seen):
            raise FootageError(f"none of the {unreadable[fake]} files in {half}/ can be read")
    return seen, unreadable


async def _see(witness: Witness, clip: Clip, fps: float, noted: Noted) -> tuple[Seen | None, int]:
    numbers: list[int] = []
    faces: list[Face | None] = []
    doubts: list[Doubt | None] = []
    weights: list[float] = []
    plain: list[Floats] = []
    waiting: list[Crop] = []
    parts: list[Scores] = []
    lost = 0
    async for number, frame in look_through(clip, fps, WIDTH):
        await asyncio.sleep(0)  # a way out for Ctrl-C
        if frame is None:
            lost += 1
            continue
        face, doubt, crop = witness.see(frame)
        noted(frame, face, crop)
        numbers.append(number)
        faces.append(face)
        doubts.append(doubt)
        plain.append(described(crop))
        height, width = frame.picture.shape[:2]
        weights.append(
            float("nan") if clip.is_video else clip.files[number].stat().st_size / (height * width)
        )
        waiting.append(crop)
        if len(waiting) == BATCH:
            parts.append(witness.score(waiting))
            waiting.clear()
    if not numbers:
        return None, lost
    parts.append(witness.score(waiting))
    together = (np.concatenate([getattr(one, each.name) for one in parts]) for each in fields(Scores))
    scores = Scores(*together)
    return (
        Seen(clip, tuple(numbers), tuple(faces), tuple(doubts), scores, np.stack(plain), np.array(weights)),
        lost,
    )
