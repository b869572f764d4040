"""A face in a picture, and the promise of whoever finds faces."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """Where a face is, in px of the picture. A box may reach beyond the picture's border."""

    left: float
    top: float
    width: float
    height: float
    landmarks: NDArray[np.float32]  # (5, 2): left and right eye, nose, left and right mouth corner, as seen
    confidence: float  # 0..1, of the finder: not comparable between finders

    @property
    def centre(self) -> tuple[float, float]:
        """x and y of the middle of the box."""
        return self.left + self.width / 2, self.top + self.height / 2


class FaceFinder(Protocol):
    """Finds faces in single pictures; remembers nothing. All calls come from one thread."""

    name: str
    sha256: str  # of its weights

    def find(self, picture: NDArray[np.uint8], smallest: int) -> list[Face]:
        """The faces of a picture (H, W, 3) BGR, the surest first.

        `smallest`: px of face height; smaller ones need not be found. Raises DetectorError.
        """
        ...


def overlap(one: Face, other: Face) -> float:
    """What both boxes share, as a part of what they cover together: 0..1."""
    wide = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    high = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    if wide <= 0 or high <= 0:
        return 0.0
    shared = wide * high
    return shared / (one.width * one.height + other.width * other.height - shared)
