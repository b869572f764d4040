"""Classical denoisers, behind the same promise as the learned one: it has to be better to be worth its time.

Bilateral filter: Tomasi and Manduchi, ICCV 1998. Non-local means: Buades et al., CVPR 2005. Both take noise
to be equally strong everywhere; `Stabilised` makes it so first, and undoes that afterwards.
What they are told in figures was chosen on training photos (benchmarks/classical.py).
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.denoising.noise import Noise, Picture, Restorer

_LEAST: Final = 0.5 / 255  # a deviation below which a picture in 8 bits is left as it is


@dataclass(frozen=True, slots=True)
class Bilateral:
    """Averages with neighbours that look alike."""

    name: str = "bilateral filter"
    sha256: str = ""
    diameter: int = 11  # px
    likeness: float = 4.0  # times the deviation of the noise: so unlike may a neighbour be
    reach: float = 3.0  # px

    def restore(self, picture: Picture, noise: Noise) -> Picture:
        """A new picture of the same size."""
        sigma = _deviation(picture, noise)
        if sigma < _LEAST:
            return picture.copy()
        likeness = self.likeness * 255 * sigma
        return np.asarray(cv2.bilateralFilter(picture, self.diameter, likeness, self.reach), np.uint8)


@dataclass(frozen=True, slots=True)
class NonLocalMeans:
    """Averages with whole patches that look alike, also from farther away."""

    name: str = "non-local means"
    sha256: str = ""
    strength: float = 0.8  # times the deviation of the noise
    patch: int = 3  # px
    search: int = 15  # px

    def restore(self, picture: Picture, noise: Noise) -> Picture:
        """A new picture of the same size."""
        sigma = _deviation(picture, noise)
        if sigma < _LEAST:
            return picture.copy()
        h = self.strength * 255 * sigma
        restored = cv2.fastNlMeansDenoisingColored(picture, None, h, h, self.patch, self.search)
        return np.asarray(restored, np.uint8)


@dataclass(frozen=True, slots=True)
class Stabilised:
    """Another restorer, for noise that grows with brightness.

    The generalised Anscombe transform gives such noise the same strength everywhere (Starck et al., 1998); it
    is undone by the closed form of its exact unbiased inverse (Mäkitalo and Foi, IEEE TIP 2013), so that dark
    places do not grow darker.
    """

    inner: Restorer

    @property
    def name(self) -> str:
        """The inner one's, and that it stands behind the transform."""
        return f"{self.inner.name}, stabilised"

    @property
    def sha256(self) -> str:
        """The inner one's."""
        return self.inner.sha256

    def restore(self, picture: Picture, noise: Noise) -> Picture:
        """A new picture of the same size."""
        if noise.shot < _LEAST**2:
            return self.inner.restore(picture, noise)
        there, back, deviation = _tables(noise)
        steady = np.asarray(cv2.LUT(picture, there), np.uint8)
        restored = self.inner.restore(steady, Noise(read=deviation, grain=noise.grain))
        return np.asarray(cv2.LUT(restored, back), np.uint8)


def _tables(noise: Noise) -> tuple[Picture, Picture, float]:
    """(256,) there and back, in grey levels, and the deviation of the noise in between, 0..1."""
    spread = noise.read / noise.shot  # of the read noise, in electrons
    least = 2 * np.sqrt(3 / 8 + spread**2)
    most = 2 * np.sqrt(1 / noise.shot + 3 / 8 + spread**2)
    electrons = np.arange(256) / 255 / noise.shot
    there = (2 * np.sqrt(electrons + 3 / 8 + spread**2) - least) / (most - least)
    stabilised = least + np.arange(256) / 255 * (most - least)
    back = _undone(stabilised, spread) * noise.shot
    return _levels(there), _levels(back), float(1 / (most - least))


def _undone(stabilised: NDArray[np.float64], spread: float) -> NDArray[np.float64]:
    """Electrons of what the transform gives on average."""
    d = np.maximum(stabilised, 2 * np.sqrt(3 / 8 + spread**2))
    root = np.sqrt(3 / 2)
    electrons = d**2 / 4 + root / 4 / d - 11 / 8 / d**2 + 5 / 8 * root / d**3 - 1 / 8 - spread**2
    return np.asarray(np.maximum(electrons, 0), np.float64)


def _levels(values: NDArray[np.float64]) -> Picture:
    return np.clip(np.rint(255 * values), 0, 255).astype(np.uint8)


def _deviation(picture: Picture, noise: Noise) -> float:
    return noise.deviation(float(np.mean(cv2.mean(picture)[:3])) / 255)
