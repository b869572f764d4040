"""The small pictures that all checks of one frame share."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH = 320  # of the working picture; faults finer than a pixel of it are not for an alert
CELLS = 16  # cells across the picture, each 20 working pixels and 10 small ones wide


@dataclass(frozen=True, slots=True)
class Look:
    """One frame, scaled. H is a multiple of 20 near 320 / aspect ratio."""

    colour: NDArray[np.uint8]  # (H, 320, 3) BGR
    grey: NDArray[np.uint8]  # (H, 320)
    small: NDArray[np.uint8]  # (H / 2, 160)

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.grey.shape[0] * CELLS // WIDTH, CELLS


def look_at(picture: NDArray[np.uint8]) -> Look:
    """Scales a (H, W, 3) BGR picture of any size."""
    height, width = picture.shape[:2]
    side = WIDTH // CELLS
    rows = max(1, round(height * CELLS / width))
    # Averaging whole pixels is cheap at an exact half or quarter; elsewhere linear is far cheaper.
    exact = width % WIDTH == 0 and height % (rows * side) == 0
    scaling = cv2.INTER_AREA if exact else cv2.INTER_LINEAR
    colour = cv2.resize(picture, (WIDTH, rows * side), interpolation=scaling)
    grey = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (WIDTH // 2, rows * side // 2), interpolation=cv2.INTER_AREA)
    return Look(np.asarray(colour, np.uint8), np.asarray(grey, np.uint8), np.asarray(small, np.uint8))


def cell_means(image: NDArray[np.float32] | NDArray[np.uint8], cells: tuple[int, int]) -> NDArray[np.float32]:
    """Means over a grid of cells (rows, columns) that divides the image (H, W[, C]) without rest."""
    rows, columns = cells
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
