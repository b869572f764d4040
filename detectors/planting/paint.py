"""What planted events are painted with: functions that change one picture, and smooth noise."""

from collections.abc import Callable

import cv2
import numpy as np

from detectors.planting.scene import Floats

Chance = np.random.Generator
Paint = Callable[[Floats, float], None]  # changes a picture (H, W, 3), so many seconds after the event began


def smooth_noise(shape: tuple[int, int], chance: Chance) -> Floats:
    """Noise in blots of several sizes, as Perlin's; (H, W), around 0."""
    total = np.zeros(shape, np.float32)
    for cells in (2, 4, 8):
        total += cv2.resize(
            chance.normal(0, 1 / cells, (cells + 1, cells + 1)).astype(np.float32),
            shape[::-1],
            interpolation=cv2.INTER_CUBIC,
        )
    return total
