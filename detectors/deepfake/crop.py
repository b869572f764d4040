"""One face as the heads look at it: alone, and with what is around it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.deepfake.wear import Picture, resized
from detectors.faces.cut import cut
from detectors.faces.face import Face

ALONE: Final = 1.1  # times the face's box: where one head was put onto another, there is a border about it
AROUND: Final = 1.65  # what was generated was generated all over: the more of it, the better


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """Two pictures of one size."""

    face: Picture  # (S, S, 3) BGR
    around: Picture  # (S, S, 3) BGR: head and shoulders, as far as the picture goes

    @property
    def side(self) -> int:
        """px."""
        return len(self.face)


def crop_of(picture: NDArray[np.uint8], face: Face, side: int) -> Crop:
    """Of a face in a picture (H, W, 3)."""
    return Crop(cut(picture, face, ALONE, side), resized(_around(picture, face), side))


def whole(picture: NDArray[np.uint8], side: int) -> Crop:
    """The middle square of a picture that a face fills."""
    height, width = picture.shape[:2]
    edge = min(height, width)
    square = resized(_square(picture, width / 2, height / 2, edge), side)
    return Crop(square, square)


def _around(picture: NDArray[np.uint8], face: Face) -> Picture:
    """Nothing is made up beyond the border: the square moves inwards, or is smaller."""
    edge = min(round(AROUND * max(face.width, face.height)), *picture.shape[:2])
    return _square(picture, *face.centre, max(1, edge))


def _square(picture: NDArray[np.uint8], x: float, y: float, edge: int) -> Picture:
    height, width = picture.shape[:2]
    left = min(max(0, round(x - edge / 2)), width - edge)
    top = min(max(0, round(y - edge / 2)), height - edge)
    return picture[top : top + edge, left : left + edge]
