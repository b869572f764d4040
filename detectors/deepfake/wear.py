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

Picture = NDArray[np.uint8]  # (H, W, 3) BGR


@dataclass(frozen=True, slots=True)
class Hardship:
    """How much pictures go through."""

    smaller: tuple[float, float]  # half of them are made smaller, to such a share
    gain: float  # light is more or less by so much of itself at most,
    lift: float  # and by so many grey levels
    blur: tuple[float, float]  # px, of three in ten
    noisy: float  # share of the pictures that get noise of 1 to 6 grey levels
    compressed: float  # share of the pictures
    quality: tuple[float, float]  # of JPEG, 0..100


# Two ways were tried for each head (docs/deepfake.md). Borders are found through anything that a camera does.
# What a generator leaves is finer, and drowned in noise: there the head learned to tell noise instead.
HARD: Final = Hardship((0.31, 1.0), 0.2, 20.0, (0.3, 1.2), 0.25, 0.7, (30, 95))
MILD: Final = Hardship((0.5, 0.95), 0.15, 0.0, (0.1, 1.2), 0.0, 1.0, (35, 92))


@dataclass(frozen=True, slots=True)
class Wear:
    """One picture's way."""

    share: float  # of its size that it was made smaller to; 1: none
    mirrored: bool
    gain: float
    lift: float  # grey levels
    blur: float  # px, 0: none
    noise: float  # grey levels, 0: none
    quality: int  # of JPEG, 0: not compressed
    seed: int  # of the noise

    @classmethod
    def drawn(cls, hardship: Hardship, chance: Generator) -> Self:
        """By chance."""
        return cls(
            share=float(chance.uniform(*hardship.smaller)) if chance.random() < 0.5 else 1.0,
            mirrored=bool(chance.random() < 0.5),
            gain=float(chance.uniform(1 - hardship.gain, 1 + hardship.gain)),
            lift=float(chance.uniform(-hardship.lift, hardship.lift)),
            blur=float(chance.uniform(*hardship.blur)) if chance.random() < 0.3 else 0.0,
            noise=float(chance.uniform(1, 6)) if chance.random() < hardship.noisy else 0.0,
            quality=int(chance.uniform(*hardship.quality)) if chance.random() < hardship.compressed else 0,
            seed=int(chance.integers(2**31)),
        )

    def of(self, picture: Picture, to: int = SIDE) -> Picture:
        """(to, to, 3) of a square picture."""
        picture = resized(picture, max(8, round(self.share * len(picture))))
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
    if len(picture) == side:
        return picture
    way = cv2.INTER_AREA if side < len(picture) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=way), np.uint8)


def compressed(picture: Picture, quality: int) -> Picture:
    """As it comes out of a JPEG of that quality, 0..100."""
    _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
