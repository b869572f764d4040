"""Where one shot ends and another begins: a face in the same place is somebody else then."""

import cv2
import numpy as np
from numpy.typing import NDArray

SMALL = (24, 16)  # px: width and height of what is compared
COLOURS = 8  # of each channel, in the histogram
ELSEWHERE = 0.5  # deviations of the light, at least: lamps that are switched on change the colours alone
OTHERWISE = 1.5  # light and colours together; a van that fills the picture makes 1.46, cuts 1.6 and more


class Shots:
    """Looks at the pictures of one stream in their order."""

    def __init__(self) -> None:
        self._before: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def is_cut(self, picture: NDArray[np.uint8]) -> bool:
        """True where a picture (H, W, 3) BGR does not go on from the one before."""
        seen = _light(picture), _colours(picture)
        before, self._before = self._before, seen
        if before is None:
            return False
        light = float(np.abs(seen[0] - before[0]).mean())
        colours = float(np.abs(seen[1] - before[1]).sum())  # 2 where they have none in common
        return light > ELSEWHERE and light + colours > OTHERWISE


def _light(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w): how each part is to the mean, in deviations."""
    grey = cv2.cvtColor(cv2.resize(picture, SMALL, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    values = grey.astype(np.float32)
    return np.asarray((values - values.mean()) / max(4.0, float(values.std())), np.float32)


def _colours(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = cv2.resize(picture, (4 * SMALL[0], 4 * SMALL[1]), interpolation=cv2.INTER_AREA)
    counted = cv2.calcHist([small], [0, 1, 2], None, [COLOURS] * 3, [0, 256] * 3).ravel()
    return np.asarray(counted / counted.sum(), np.float32)
