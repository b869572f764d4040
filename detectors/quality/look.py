"""The small pictures, and what of their cells all checks of one frame share."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH = 320  # of the working picture; faults finer than a pixel of it are not for an alert
CELLS = 16  # cells across the picture, each 20 working pixels and 10 small ones wide
CLIPPED = 245  # grey levels

Floats = NDArray[np.float32]
Cells = NDArray[np.bool_]  # (rows, columns)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One frame, scaled. H is a multiple of 20 near 320 / aspect ratio."""

    picture: NDArray[np.uint8]  # (h, w, 3) BGR, as it came
    colour: NDArray[np.uint8]  # (H, 320, 3) BGR
    grey: NDArray[np.uint8]  # (H, 320)
    small: Floats  # (H / 2, 160), 0..255
    mean: Floats  # (rows, columns) of each cell of small
    deviation: Floats  # the same
    clipped: Floats  # (rows, columns) share of each cell that is clipped white

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.mean.shape[0], CELLS


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
    half = cv2.resize(grey, (WIDTH // 2, rows * side // 2), interpolation=cv2.INTER_AREA)
    small = np.asarray(half, np.float32)
    mean, deviation = cell_statistics(small, (rows, CELLS))
    _, white = cv2.threshold(grey, CLIPPED - 1, 255, cv2.THRESH_BINARY)
    clipped = cell_means(np.asarray(white, np.uint8), (rows, CELLS)) / np.float32(255)
    return Look(
        picture, np.asarray(colour, np.uint8), np.asarray(grey, np.uint8), small, mean, deviation, clipped
    )


def cell_means(image: Floats | NDArray[np.uint8], cells: tuple[int, int]) -> Floats:
    """Means over a grid of cells (rows, columns) that divides the image (H, W[, C]) without rest."""
    rows, columns = cells
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def cell_statistics(image: Floats, cells: tuple[int, int]) -> tuple[Floats, Floats]:
    """Mean and standard deviation in each cell of an (H, W) image."""
    mean = cell_means(image, cells)
    return mean, np.sqrt(np.maximum(cell_means(image * image, cells) - mean * mean, 0))
