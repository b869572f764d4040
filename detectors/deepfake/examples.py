"""The pictures that a deepfake model is made from: faces in folders, kept apart by their clips."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.deepfake.crop import ALONE
from detectors.deepfake.wear import resized
from detectors.detection import DetectorError
from detectors.faces.cut import cut
from detectors.faces.face import FaceFinder

SIDE: Final = 192  # px at which they are kept: about what they are
SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
SMALLEST: Final = 64  # px of a face in a photo that is worth learning from
SURE: Final = 0.98  # confidence of the finder: what is learned as a face should be one


class ExamplesError(DetectorError):
    """A folder that holds no examples; says what is wanted."""


class Part(StrEnum):
    """What a clip is for. A clip is for one thing only: pictures of one clip are nearly the same."""

    TRAIN = "train"
    CALIBRATE = "calibrate"
    TEST = "test"


def part_of(clip: str) -> Part:
    """A quarter to test, an eighth to calibrate with, the rest to learn from; by number or name."""
    number = int(clip) if clip.isdecimal() else zlib.crc32(clip.encode())
    if number % 4 == 3:
        return Part.TEST
    return Part.CALIBRATE if number % 8 == 2 else Part.TRAIN


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Faces of one class: pictures (N, S, S, 3) BGR, and the clip of each."""

    pictures: NDArray[np.uint8]
    clips: Sequence[str]

    def of(self, *parts: Part) -> "Examples":
        """Those that are for one thing, or for one of several."""
        picked = [index for index, clip in enumerate(self.clips) if part_of(clip) in parts]
        return Examples(self.pictures[picked], [self.clips[index] for index in picked])

    def some(self, each: int) -> "Examples":
        """At most so many of each clip, spread evenly over it."""
        picked: list[int] = []
        for clip in dict.fromkeys(self.clips):
            own = [index for index, name in enumerate(self.clips) if name == clip]
            picked += [own[round(place)] for place in np.linspace(0, len(own) - 1, min(each, len(own)))]
        return Examples(self.pictures[picked], [self.clips[index] for index in picked])


NO_EXAMPLES: Final = Examples(np.empty((0, SIDE, SIDE, 3), np.uint8), ())


def faces(folder: Path, side: int = SIDE) -> Examples:
    """`<clip>_<frame>.jpg` and the like, faces that fill their pictures. Raises ExamplesError."""
    files = _pictures_in(folder)
    named = sorted((path.stem.rpartition("_")[0] or path.stem, path) for path in files)
    return Examples(np.stack([_square(path, side) for _, path in named]), [clip for clip, _ in named])


def faces_in_photos(folders: Sequence[Path], finder: FaceFinder, tell: Callable[[float], None]) -> Examples:
    """Faces of people in photos of anything; each photo is a clip. Raises ExamplesError, DetectorError."""
    files = [path for folder in folders for path in _pictures_in(folder)]
    found, clips = [], []
    for number, path in enumerate(files):
        tell(number / len(files))
        photo = _read(path)
        for face in finder.find(photo, SMALLEST):
            if face.confidence >= SURE and max(face.width, face.height) >= SMALLEST:
                found.append(cut(photo, face, ALONE, SIDE))
                clips.append(f"{path.parent.parent.name}/{path.parent.name}/{path.stem}")
    return Examples(np.stack(found), clips) if found else NO_EXAMPLES


def _read(path: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ExamplesError(f"{path} is no picture that can be read: take it away, or get it anew")
    return np.asarray(picture, np.uint8)


def _pictures_in(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise ExamplesError(f"{folder} holds no pictures ({', '.join(SUFFIXES)}): name a folder that does")
    return files


def _square(path: Path, size: int) -> NDArray[np.uint8]:
    picture = _read(path)
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resized(np.asarray(picture[top : top + side, left : left + side], np.uint8), size)
