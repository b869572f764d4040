"""A picture of areas and edges, without noise of its own."""

import cv2
import numpy as np

from detectors.denoising.noise import Picture


def scene(height: int = 96, width: int = 128) -> Picture:
    """(height, width, 3): a slope of light, with shapes on it from dark to bright."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[...] = np.linspace(40, 200, width)[None, :, None]
    for number, grey in enumerate((20, 90, 160, 230)):
        centre = (width * (2 * number + 1) // 8, height // 2)
        cv2.circle(picture, centre, height // 6, (grey, 255 - grey, (3 * grey) % 256), -1)
    return cv2.GaussianBlur(picture, (0, 0), 0.7).astype(np.uint8)
