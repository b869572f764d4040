"""What a picture goes through on its way to us: size, light, blur, noise, compression; real and fake alike.

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

Picture = NDArray[np.uint8]
SMALLEST: Final = 60  # px to which a face is made smaller at most
JPEG: Final = (30, 95)  # quality, 0..100


@dataclass(frozen=True, slots=True)
class Wear:
    """One way; the same one is gone by both pictures of a pair, so that nothing of it tells them apart."""

    side: int  # px it was small at; 0: as it came
    mirrored: bool
    gain: float
    lift: float  # grey levels
    blur: float  # px, 0: none
    noise: float  # grey levels, 0: none
    quality: int  # of JPEG, 0: not compressed
    seed: int  # of the noise

    @classmethod
    def drawn(cls, chance: Generator) -> Self:
        """Half of the pictures keep their size, most are compressed."""
        return cls(
            side=int(chance.uniform(SMALLEST, 192)) if chance.random() < 0.5 else 0,
            mirrored=bool(chance.random() < 0.5),
            gain=float(chance.uniform(0.8, 1.2)),
            lift=float(chance.uniform(-20, 20)),
            blur=float(chance.uniform(0.3, 1.2)) if chance.random() < 0.3 else 0.0,
            noise=float(chance.uniform(1, 6)) if chance.random() < 0.25 else 0.0,
            quality=int(chance.uniform(*JPEG)) if chance.random() < 0.7 else 0,
            seed=int(chance.integers(2**31)),
        )

    def of(self, picture: Picture, to: int = SIDE) -> Picture:
        """(to, to, 3) of a square picture."""
        if 0 < self.side < len(picture):
            picture = resized(picture, self.side)
        picture = resized(picture, to)
        if self.mirrored:
            picture = picture[:, ::-1]
        values = picture.astype(np.float32) * self.gain + self.lift
        if self.blur:
            values = cv2.GaussianBlur(values, (0, 0), self.blur).astype(np.float32)
        if self.noise:
            values = values + np.random.default_rng(self.seed).normal(0, self.noise, values.shape)
        worn = np.ascontiguousarray(np.clip(values, 0, 255).astype(np.uint8))
        return compressed(worn, self.quality) if self.quality else worn


def resized(picture: Picture, side: int) -> Picture:
    """Square, as cut.py does it: by area when shrinking, linearly when enlarging."""
    way = cv2.INTER_AREA if side < len(picture) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=way), np.uint8)


def compressed(picture: Picture, quality: int) -> Picture:
    """As it comes out of a JPEG of that quality, 0..100."""
    _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
