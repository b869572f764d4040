"""How well a face can be seen, in numbers, and when that is too little to judge it by."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.detection import Doubt
from detectors.faces.face import Face
from detectors.faces.pose import pose_of

SIDE = 96  # px: to which a larger face is made smaller before its sharpness is told
DARK = 35.0  # grey levels
FLAT = 10.0  # grey levels of contrast
BLURRED = 0.1
ASIDE = 45.0  # degrees of yaw
UP_OR_DOWN = 40.0  # degrees of pitch

Greys = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Looks:
    """How one face looks in one picture."""

    size: float  # px: the height of the face
    brightness: float  # grey levels, 0..255: the mean
    contrast: float  # grey levels: the standard deviation
    sharpness: float  # 0..1: what the finest detail is to the coarser
    blockiness: float  # times: steps at the borders of blocks of 8 px to those within; 1 where there are none
    yaw: float  # degrees, positive to the right, as seen
    pitch: float  # degrees, positive downwards
    roll: float  # degrees, positive clockwise, as seen


def look(picture: NDArray[np.uint8], face: Face) -> Looks:
    """Of a face in a picture (H, W, 3) BGR."""
    grey = _grey(picture, face)
    pose = pose_of(face.landmarks)
    return Looks(
        face.height,
        float(grey.mean()),
        float(grey.std()),
        _sharpness(grey),
        _blockiness(grey),
        pose.yaw,
        pose.pitch,
        pose.roll,
    )


def doubt_of(looks: Looks, min_face: int) -> tuple[Doubt, str] | None:
    """Why this face cannot be judged, and in words; None where it can. `min_face`: px of height."""
    if looks.size < min_face:
        words = f"the face is {looks.size:.0f} px high, and {min_face} px are needed"
        return Doubt.FACE_TOO_SMALL, words
    if looks.brightness < DARK or looks.contrast < FLAT:
        return Doubt.TOO_DARK, f"the face is too dark to be judged ({looks.brightness:.0f} of 255)"
    if max(abs(looks.yaw) / ASIDE, abs(looks.pitch) / UP_OR_DOWN) > 1:
        return Doubt.TURNED_AWAY, "the face is turned away"
    if looks.sharpness < BLURRED:
        return Doubt.TOO_BLURRED, "the face is too blurred to be judged"
    return None


def _grey(picture: NDArray[np.uint8], face: Face) -> Greys:
    """What of the box is in the picture, at least 8x8 px."""
    height, width = picture.shape[:2]
    left = min(max(0, round(face.left)), max(0, width - 8))
    top = min(max(0, round(face.top)), max(0, height - 8))
    right = max(left + 8, min(width, round(face.left + face.width)))
    bottom = max(top + 8, min(height, round(face.top + face.height)))
    grey = cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    return np.asarray(grey, np.float32)


def _sharpness(grey: Greys) -> float:
    scale = min(1.0, SIDE / grey.shape[0])
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1)
    coarse = grey - cv2.GaussianBlur(grey, (0, 0), 3)
    return float(fine.std() / max(1e-6, coarse.std()))


def _blockiness(grey: Greys) -> float:
    steps = np.abs(np.diff(grey, axis=1)).mean(axis=0)
    if len(steps) < 24:
        return 1.0
    mean = np.array([steps[phase::8].mean() for phase in range(8)])
    return float(mean.max() / max(1e-6, np.median(mean)))
