"""Pictures without noise of their own: areas and edges, and texture."""

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


def textured(height: int = 240, width: int = 320) -> Picture:
    """Soft slopes, a few edges, and a patch of texture."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    grey = 60 + 120 * across + 20 * np.sin(3 * down)
    grey[height // 3 : height // 2, width // 4 : width // 2] += 50
    texture = np.random.default_rng(1).normal(0, 25, (height // 4, width // 4))
    grey[height - height // 4 :, width - width // 4 :] += texture
    return np.asarray(np.clip(np.stack([grey, grey - 10, grey + 10], axis=-1), 0, 255), np.uint8)
