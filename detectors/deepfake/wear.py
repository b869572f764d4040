"""What a picture goes through on its way to us: size, light, blur, compression; real and fake alike.

A model that sees one class better treated than the other learns the treatment: published detectors call every
JPEG real and every PNG fake.
"""

from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.deepfake.network import SIDE

Picture = NDArray[np.uint8]  # (H, W, 3) BGR

# More than this (noise, smaller pictures, other light) was tried, and drowned what a generator leaves: see
# docs/deepfake.md.
SMALLER: Final = (0.5, 0.95)  # shares of its size that half of the pictures are made smaller to
GAIN: Final = 0.15  # light is more or less by so much of itself at most
BLUR: Final = (0.1, 1.2)  # px, of three in ten
QUALITY: Final = (35, 92)  # of JPEG, 0..100


@dataclass(frozen=True, slots=True)
class Wear:
    """One picture's way."""

    share: float  # of its size that it was made smaller to; 1: none
    mirrored: bool
    gain: float
    blur: float  # px, 0: none
    quality: int  # of JPEG, 0..100

    @classmethod
    def drawn(cls, chance: Generator) -> Self:
        """By chance."""
        return cls(
            share=float(chance.uniform(*SMALLER)) if chance.random() < 0.5 else 1.0,
            mirrored=bool(chance.random() < 0.5),
            gain=float(chance.uniform(1 - GAIN, 1 + GAIN)),
            blur=float(chance.uniform(*BLUR)) if chance.random() < 0.3 else 0.0,
            quality=int(chance.uniform(*QUALITY)),
        )

    def of(self, picture: Picture, to: int = SIDE) -> Picture:
        """(to, to, 3) of a square picture."""
        picture = resized(picture, max(8, round(self.share * len(picture))))
        picture = resized(picture, to)
        if self.mirrored:
            picture = picture[:, ::-1]
        values = picture.astype(np.float32) * self.gain
        if self.blur:
            values = cv2.GaussianBlur(values, (0, 0), self.blur).astype(np.float32)
        return compressed(np.ascontiguousarray(np.clip(values, 0, 255).astype(np.uint8)), self.quality)


def resized(picture: Picture, side: int) -> Picture:
    """Square, as cut.py does it: by area when shrinking, linearly when enlarging."""
    if len(picture) == side:
        return picture
    way = cv2.INTER_AREA if side < len(picture) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=way), np.uint8)


def compressed(picture: Picture, quality: int) -> Picture:
    """As it comes out of a JPEG of that quality, 0..100."""
    _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
