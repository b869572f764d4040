"""Faces that are nowhere but in a test: boxes with eyes, nose and mouth where they usually are."""

import numpy as np
from numpy.typing import NDArray

from detectors.faces.face import Face

# Of a face that looks straight at the camera, as shares of its box.
USUAL = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.62), (0.34, 0.8), (0.66, 0.8)], np.float32)


def face_at(x: float, y: float, size: float = 100.0, confidence: float = 0.99) -> Face:
    """A face whose box has its middle at (x, y)."""
    corner = np.array((x - size / 2, y - size / 2), np.float32)
    return Face(x - size / 2, y - size / 2, size, size, corner + USUAL * size, confidence)


def texture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A picture (H, W, 3) in which every place is unlike the others."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
