"""Faces that are where the test says and what their colour says: red ones swapped, blue ones generated."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.deepfake.crop import Crop
from detectors.deepfake.heat import Heat
from detectors.deepfake.likelihood import Clips
from detectors.deepfake.model import Scores
from detectors.faces.face import Face
from streams.frame import Frame
from tests.fakes import frame

WIDE, HIGH = 640, 360  # px of the pictures
CLIPS = Clips(real=-4.0, fake=4.0, between=1.0, within=1.0)


def face(left: float = 100, top: float = 80, size: float = 120, *, aside: float = 0) -> Face:
    """Upright and seen from the front; `aside`: how far the nose is off its place, in shares of the face."""
    landmarks = np.array([(0.3, 0.4), (0.7, 0.4), (0.5 + aside, 0.6), (0.35, 0.8), (0.65, 0.8)], np.float32)
    landmarks = (landmarks * size + np.array([left, top])).astype(np.float32)
    return Face(left, top, size, size, landmarks, 0.99)


def picture(faces: Sequence[Face], colour: tuple[int, int, int] = (110, 110, 110)) -> NDArray[np.uint8]:
    """(HIGH, WIDE, 3) BGR: noise with faces of a colour on it, sharp enough to be judged."""
    chance = np.random.default_rng(5)
    drawn = chance.integers(60, 200, (HIGH, WIDE, 1)).repeat(3, axis=2).astype(np.uint8)
    for one in faces:
        rows = slice(max(0, round(one.top)), round(one.top + one.height))
        columns = slice(max(0, round(one.left)), round(one.left + one.width))
        grain = chance.integers(-60, 60, drawn[rows, columns].shape[:2])[..., None]
        drawn[rows, columns] = np.clip(np.array(colour) + grain, 0, 255).astype(np.uint8)
    return drawn


def seen(number: int, faces: Sequence[Face], colour: tuple[int, int, int] = (110, 110, 110)) -> Frame:
    """The frame of a camera, five a second."""
    return frame("studio", number, picture(faces, colour))


class Finder:
    """Finds what it was told to find."""

    name = "told"
    sha256 = ""

    def __init__(self) -> None:
        self.faces: list[Face] = []

    def find(self, picture: NDArray[np.uint8], smallest: int) -> list[Face]:
        """Whatever the picture."""
        return list(self.faces)


class Colours:
    """Scores faces by their colour: grey ones are real."""

    side = 32
    clips = CLIPS
    model = "colours"
    sha256 = "c0104"

    def score(self, crops: Sequence[Crop]) -> Scores:
        """Red: swapped. Blue: generated."""
        blue, _, red = np.array([one.face.mean(axis=(0, 1)) for one in crops]).reshape(-1, 3).T / 50
        middle = (blue + red) / 2
        swapped, generated = red - middle, blue - middle
        return Scores(swapped, generated, np.where(np.abs(swapped) > 0.5, 4.0, -4.0))

    def heat(self, crops: Sequence[Crop]) -> list[Heat]:
        """Hot all over."""
        return [np.ones((32, 32), np.float32) for _ in crops]
