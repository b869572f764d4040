"""The empty scene as a picture: what the camera expects to see, as evidence."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.features import Floats, Small

BLUE, GREEN, RED = 0.114, 0.587, 0.299  # of grey (ITU-R BT.601)


def pictured(grey: Floats, colour: Floats, like: Small) -> NDArray[np.uint8]:
    """(height, width, 3) BGR of a scene's grey (H, W) and colour (rows, cols, 2), as large as `like`."""
    blue, red = cv2.split(cv2.resize(colour, grey.shape[::-1], interpolation=cv2.INTER_LINEAR))
    blue, red = grey + blue, grey + red
    green = (grey - BLUE * blue - RED * red) / GREEN
    whole = np.clip(np.dstack([blue, green, red]), 0, 255).astype(np.uint8)
    shown: NDArray[np.uint8] = whole[: like.height, : like.width]
    return shown
