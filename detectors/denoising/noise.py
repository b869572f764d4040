"""How noisy a picture is: what is estimated of it, and what every way of restoring pictures is told."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (H, W, 3) BGR


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of a picture: at brightness v (0..1) its variance is shot * v + read ** 2."""

    read: float  # standard deviation that all pixels have, 0..1
    shot: float = 0.0  # how the variance grows with brightness, 0..1
    grain: float = (
        0.0  # pixels over which it is correlated: 0 white, 1 and more as behind demosaicing or a codec
    )

    def deviation(self, brightness: float = 0.5) -> float:
        """The standard deviation there, 0..1; times 255 it is the sigma that papers print."""
        return float(np.sqrt(max(0.0, self.shot * brightness) + self.read**2))


class Restorer(Protocol):
    """Takes noise out of a picture."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def sha256(self) -> str:
        """Of the weights; empty where there are none."""
        ...

    def restore(self, picture: Picture, noise: Noise) -> Picture:
        """A new picture of the same size."""
        ...
