"""A stage that is quick to film, and on which each event is told by its colour, under a sensor's noise."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 160, 96
NORMAL, INTRUDER, WRONG_WAY = (90, 160, 90), (40, 40, 220), (220, 40, 40)  # BGR


class SmallStage:
    """A green wall along which a white post moves; red is the intruder, blue the wrong way."""

    rate = Fraction(12)
    half_seconds = 1.0
    words = "a small stage"
    wrong_way_words = "the wall turns blue"

    def normal(self, half: int) -> Iterator[NDArray[np.uint8]]:
        return self._pictures(NORMAL, half)

    def intruder(self) -> Iterator[NDArray[np.uint8]]:
        return self._pictures(INTRUDER, 0)

    def wrong_way(self) -> Iterator[NDArray[np.uint8]]:
        return self._pictures(WRONG_WAY, 0)

    def _pictures(self, colour: tuple[int, int, int], half: int) -> Iterator[NDArray[np.uint8]]:
        for number in range(12 * half, 12 * half + 12):
            picture = np.full((HEIGHT, WIDTH, 3), colour, np.uint8)
            picture += np.random.default_rng(number).integers(0, 12, picture.shape, np.uint8)
            picture[20:80, 6 * number : 6 * number + 12] = 240
            yield picture
