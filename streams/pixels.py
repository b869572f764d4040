"""How a picture lies in shared memory, and how it becomes (H, W, 3) BGR."""

import cv2
import numpy as np
from numpy.typing import NDArray

from streams.message import Picture

Bytes = NDArray[np.uint8]


def bytes_of(picture: Picture) -> int:
    """That it takes."""
    return picture.stride * picture.height * (3 if picture.planar else 2) // 2


def well_formed(picture: Picture) -> bool:
    """Whether its rows can be what it says: nothing that a child tells is believed."""
    if picture.planar:
        even = not (picture.width % 2 or picture.height % 2 or picture.stride % 2)
        return even and 0 < picture.width <= picture.stride and picture.height > 0
    return 0 < 3 * picture.width <= picture.stride and picture.height > 0


def coloured(lying: Bytes, picture: Picture) -> Bytes:
    """An own copy, upright, of `bytes_of` bytes."""
    width, height, stride = picture.width, picture.height, picture.stride
    if picture.planar:
        planes = _planes(lying, width, height, stride)
        own: Bytes = np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420), np.uint8)
    else:
        own = lying.reshape(height, stride)[:, : 3 * width].copy().reshape(height, width, 3)
    return np.ascontiguousarray(np.rot90(own, picture.turns)) if picture.turns else own


def _planes(lying: Bytes, width: int, height: int, stride: int) -> Bytes:
    """(1.5 H, W) without the padding of rows."""
    if stride == width:
        return lying.reshape(3 * height // 2, width)
    light = lying[: stride * height].reshape(height, stride)[:, :width]
    colours = lying[stride * height :].reshape(height, stride // 2)[:, : width // 2]
    return np.concatenate([light.ravel(), colours.ravel()]).reshape(3 * height // 2, width)
