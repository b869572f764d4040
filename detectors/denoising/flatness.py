"""What the flattest places of a picture hold, by colour and scale: it tells noisy pictures from clean ones.

A clean picture has places in which next to nothing is; noise is everywhere. JPEG and H.264 empty such places,
also of noise, but the noise of a camera is coarser and more colourful than what they leave.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.denoising.noise import Picture

SCALES: Final = 4  # the picture, and halved three times
BLOCKS: Final = (8, 8, 4, 4)  # details on each side of a block, at each scale
SHARES: Final = (0.03, 0.1, 0.3)  # of the blocks, the flattest first
DARK, BRIGHT = 12, 243  # grey levels beyond which noise is cut off
FEW: Final = 8  # blocks between them, or all are taken
FEATURES: Final = 3 * SCALES * len(SHARES)

Floats = NDArray[np.float32]


def flatness(picture: Picture) -> Floats:
    """(FEATURES,) by colour (brightness, red, blue), scale and share: log1p of the mean diagonal detail."""
    planes: Floats = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb), np.float32)  # (H, W, 3)
    told = np.zeros((3, SCALES, len(SHARES)), np.float32)
    for scale in range(SCALES):
        if scale:
            height, width = (side // 2 * 2 for side in planes.shape[:2])
            if min(height, width) < 2:
                break
            even, half = planes[:height, :width], (width // 2, height // 2)
            planes = np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.float32)
        strengths = _strengths(planes, BLOCKS[scale])
        if not len(strengths):
            break
        told[:, scale] = 2.0**scale * _lowest(strengths)
    return np.log1p(told).ravel()


def _strengths(planes: Floats, block: int) -> Floats:
    """(blocks, 3) the mean diagonal detail of each block, where it is neither too dark nor too bright."""
    step = 2 * block
    rows, cols = planes.shape[0] // step, planes.shape[1] // step
    if not rows or not cols:
        return np.empty((0, 3), np.float32)
    inside = planes[: rows * step, : cols * step]
    columns = inside[:, 0::2] - inside[:, 1::2]
    detail = cv2.absdiff(columns[0::2], columns[1::2])
    size = (cols, rows)
    shrunk = cv2.resize(detail, size, interpolation=cv2.INTER_AREA)
    strengths: Floats = np.asarray(shrunk, np.float32).reshape(-1, 3)
    bright = cv2.resize(np.ascontiguousarray(inside[..., 0]), size, interpolation=cv2.INTER_AREA).ravel()
    kept = (bright > DARK) & (bright < BRIGHT)
    return strengths[kept] if np.count_nonzero(kept) >= FEW else strengths


def _lowest(strengths: Floats) -> Floats:
    """(3, SHARES) what so large a share of the blocks stays under."""
    places = np.array([round(share * (len(strengths) - 1)) for share in SHARES])
    lowest: Floats = np.partition(strengths, places, axis=0)[places].T
    return lowest
