"""What a picture goes through on its way to us: size, light, colour, sharpness, noise, codecs; all alike.

A model that sees one class better treated than the other learns the treatment: published detectors call every
JPEG real and every PNG fake.
"""

from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.deepfake.compression import Compression
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
    toned: float  # share of the pictures whose colours and contrast are changed, as cameras and editors do
    sharpened: float  # share of the pictures
    compressed: float  # share of the pictures
    quality: tuple[float, float]  # 0..100


# Two ways were tried for each head (docs/deepfake.md). Borders are found through anything that a camera does.
# What a generator leaves is finer, and drowned in noise: there the head learned to tell noise instead.
HARD: Final = Hardship((0.31, 1.0), 0.2, 20.0, (0.3, 1.2), 0.25, 0.4, 0.25, 0.7, (30, 95))
MILD: Final = Hardship((0.5, 0.95), 0.15, 0.0, (0.1, 1.2), 0.0, 0.0, 0.0, 1.0, (35, 92))

BEFORE: Final = (50, 97)  # quality of what a picture had gone through before it came to us
UNTONED: Final = (1.0, 1.0)
SATURATION: Final = (0.4, 1.5)  # times what it was
CONTRAST: Final = 0.35  # natural logarithm of the exponent, up or down
SHARPENED: Final = (0.3, 1.8)  # times the detail that is added once more,
FINE: Final = 1.0  # px: what is finer is detail


@dataclass(frozen=True, slots=True)
class Wear:
    """One picture's way."""

    share: float  # of its size that it was made smaller to; 1: none
    mirrored: bool
    gain: float
    lift: float  # grey levels
    blur: float  # px, 0: none
    tone: tuple[float, float]  # times the saturation; the exponent of the light, 0 black and 1 white
    sharpened: float  # times the detail that is added, 0: none
    noise: float  # grey levels, 0: none
    before: Compression | None  # ahead of all else
    after: Compression | None
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
            tone=(
                (float(chance.uniform(*SATURATION)), float(np.exp(chance.uniform(-CONTRAST, CONTRAST))))
                if chance.random() < hardship.toned
                else UNTONED
            ),
            sharpened=float(chance.uniform(*SHARPENED)) if chance.random() < hardship.sharpened else 0.0,
            noise=float(chance.uniform(1, 6)) if chance.random() < hardship.noisy else 0.0,
            before=Compression.drawn(BEFORE, chance) if chance.random() < 0.5 else None,
            after=(
                Compression.drawn(hardship.quality, chance) if chance.random() < hardship.compressed else None
            ),
            seed=int(chance.integers(2**31)),
        )

    def of(self, picture: Picture, to: int = SIDE) -> Picture:
        """(to, to, 3) of a square picture."""
        if self.before:
            picture = self.before.of(picture)
        picture = resized(picture, max(8, round(self.share * len(picture))))
        picture = resized(picture, to)
        if self.mirrored:
            picture = picture[:, ::-1]
        values = picture.astype(np.float32) * self.gain + self.lift
        if self.blur:
            values = cv2.GaussianBlur(values, (0, 0), self.blur).astype(np.float32)
        if self.tone != UNTONED:
            values = _toned(values, *self.tone)
        if self.sharpened:
            values = values + self.sharpened * (values - cv2.GaussianBlur(values, (0, 0), FINE))
        if self.noise:
            values = values + np.random.default_rng(self.seed).normal(0, self.noise, values.shape)
        worn = np.ascontiguousarray(np.clip(values, 0, 255).astype(np.uint8))
        return self.after.of(worn) if self.after else worn


def _toned(values: NDArray[np.float32], saturation: float, exponent: float) -> NDArray[np.float32]:
    grey = values.mean(axis=2, keepdims=True)
    coloured = np.clip(grey + saturation * (values - grey), 0, 255)
    return 255 * (coloured / 255) ** np.float32(exponent)  # type: ignore[no-any-return]


def resized(picture: Picture, side: int) -> Picture:
    """Square, as cut.py does it: by area when shrinking, linearly when enlarging."""
    if len(picture) == side:
        return picture
    way = cv2.INTER_AREA if side < len(picture) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=way), np.uint8)
