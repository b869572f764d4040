"""Faces found by YuNet through OpenCV, where its file is in the model store.

Wu, Peng and Yu, "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research 2023.
"""

import cv2
import numpy as np
from cv2.utils import logging
from numpy.typing import NDArray

from detectors.detection import DetectorError
from detectors.faces.face import Face
from detectors.store import Weights

SURE = 0.8  # chance of a face
ALIKE = 0.3  # of overlap: two boxes that are one face
ENOUGH = 32  # px of height at which a face is well found: larger pictures are made smaller first
SUFFIX = ".onnx"


class Yunet:
    """One network that sees the whole picture at once, at its own size."""

    name = "yunet"

    def __init__(self, weights: Weights) -> None:
        """`weights`: a file. Raises DetectorError where OpenCV makes no YuNet of it."""
        self.sha256 = weights.sha256
        self._path = weights.path
        told = logging.setLogLevel(logging.LOG_LEVEL_ERROR)  # it warns of what it does by itself
        try:
            self._net = cv2.FaceDetectorYN.create(str(weights.path), "", (320, 320), SURE, ALIKE)
            self._net.detect(np.zeros((320, 320, 3), np.uint8))
        except cv2.error as error:
            raise DetectorError(
                f"{weights.path} is no YuNet that OpenCV {cv2.__version__} can run: get it anew, or take it "
                "away, and faces are found with what came with the package"
            ) from error
        finally:
            logging.setLogLevel(told)

    def find(self, picture: NDArray[np.uint8], smallest: int) -> list[Face]:
        """The faces of a picture (H, W, 3) BGR, the surest first; those below `smallest` px are left out."""
        height, width = picture.shape[:2]
        scale = min(1.0, ENOUGH / max(1, smallest))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        try:
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
            self._net.setInputSize(size)
            found = self._net.detect(small)[1]
        except cv2.error as error:
            raise DetectorError(
                f"{self._path} cannot look at a picture of {width}x{height}: use the YuNet that takes any "
                "size (yunet_n_dynamic.onnx), or take it away"
            ) from error
        to = np.array((width / size[0], height / size[1]), np.float32)
        faces = [_face(row, to) for row in found] if found is not None else []
        return sorted((one for one in faces if one.height >= smallest), key=lambda one: -one.confidence)


def _face(row: NDArray[np.float32], to: NDArray[np.float32]) -> Face:
    """Of 15 numbers: box, five places, and the chance; `to`: times, of x and y.

    Whose right eye is first, seen from the other side.
    """
    left, top, width, height = (float(each) for each in row[:4] * np.tile(to, 2))
    return Face(left, top, width, height, (row[4:14].reshape(5, 2) * to).astype(np.float32), float(row[14]))
