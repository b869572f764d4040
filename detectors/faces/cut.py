"""Cuts a square around a face out of a picture, as those who judge it want it."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.faces.face import Face

LEVEL = 20.0  # degrees of roll that are left as they are: turning resamples, and costs detail


def cut(picture: NDArray[np.uint8], face: Face, margin: float, size: int) -> NDArray[np.uint8]:
    """(size, size, 3) BGR of a picture (H, W, 3).

    It shows `margin` times the longer side of the face's box, about its middle. What lies
    beyond the picture is its mirror image. A head that rolls by more than LEVEL is set upright.
    """
    side = max(1, round(margin * max(face.width, face.height)))
    turn = roll(face)
    x, y = face.centre
    piece = _turned(picture, x, y, side, turn) if abs(turn) > LEVEL else _level(picture, x, y, side)
    way = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(piece, (size, size), interpolation=way), np.uint8)


def roll(face: Face) -> float:
    """Degrees by which the line of the eyes is turned, clockwise as seen; -180..180."""
    across, down = (float(each) for each in face.landmarks[1] - face.landmarks[0])
    return math.degrees(math.atan2(down, across))


def _level(picture: NDArray[np.uint8], x: float, y: float, side: int) -> NDArray[np.uint8]:
    rows = _mirrored(round(y - side / 2), side, picture.shape[0])
    columns = _mirrored(round(x - side / 2), side, picture.shape[1])
    return picture.take(rows, axis=0).take(columns, axis=1)


def _mirrored(first: int, count: int, length: int) -> NDArray[np.intp]:
    """Which of `length` rows stand for `count` from `first` on, where there is a mirror at each end."""
    there_and_back = max(1, 2 * (length - 1))
    within = np.arange(first, first + count) % there_and_back
    return np.minimum(within, there_and_back - within)


def _turned(picture: NDArray[np.uint8], x: float, y: float, side: int, turn: float) -> NDArray[np.uint8]:
    to = cv2.getRotationMatrix2D((x, y), turn, 1.0)
    to[:, 2] += np.array(((side - 1) / 2 - x, (side - 1) / 2 - y))
    how = cv2.INTER_LINEAR
    turned = cv2.warpAffine(picture, to, (side, side), flags=how, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(turned, np.uint8)
