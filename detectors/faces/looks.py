"""How well a face can be seen, in numbers with units, and when that is too little to judge it by."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.detection import Doubt
from detectors.faces.face import Face
from detectors.faces.pose import pose_of

TRIM = 0.1  # of the box, at each side: hair and what is behind the head
SMALL = 64  # px of face height at which detail is told,
SMOOTH = 0.6  # px: after so much blur, or noise would pass for detail
BLOCK = 8  # px: the grid of JPEG, and of most of H.264
STEEP = 20.0  # grey levels: a step that is higher is an edge of the face, and counts as this much

# Real faces made smaller and larger again: to how many px of height, and the median of what `measure_detail`
# then says (benchmarks/faces.py prints it). Beyond the ends nothing can be told apart.
DETAIL = (12.0, 16.0, 24.0, 32.0, 40.0, 48.0, 64.0)
MEASURED = (0.067, 0.077, 0.096, 0.110, 0.119, 0.127, 0.136)

DARK = 45.0  # grey levels of brightness
PALE = 18.0  # grey levels of contrast
BLURRED = 26.0  # px of detail
BLOCKY = 1.6  # times
ASIDE = 55.0  # degrees of yaw
UP_OR_DOWN = 40.0  # degrees of pitch

Greys = NDArray[np.float32]  # (h, w), 0..255


@dataclass(frozen=True, slots=True)
class Looks:
    """How one face looks in one picture."""

    size: float  # px: the height of the face
    brightness: float  # grey levels, 0..255: what the brightest tenth reaches, so that dark skin is not dark
    contrast: float  # grey levels: between the darkest and the brightest twentieth
    detail: float  # px: the height of a sharp face that shows as much
    blockiness: float  # times: how steps at the borders of blocks exceed those within; about 0 without blocks
    yaw: float  # degrees, positive to the right, as seen
    pitch: float  # degrees, positive downwards
    roll: float  # degrees, positive clockwise, as seen


def look(picture: NDArray[np.uint8], face: Face) -> Looks:
    """Of a face in a picture (H, W, 3) BGR, before it is cut out: that would hide what a codec left."""
    grey = inside(picture, face)
    dark, light, bright = (float(each) for each in np.percentile(grey, (5, 90, 95)))
    pose = pose_of(face.landmarks)
    return Looks(
        size=face.height,
        brightness=light,
        contrast=bright - dark,
        detail=_detail_px(grey, face.height),
        blockiness=(_blockiness(grey) + _blockiness(grey.T)) / 2,
        yaw=pose.yaw,
        pitch=pose.pitch,
        roll=pose.roll,
    )


def doubt_of(looks: Looks, min_face: int) -> tuple[Doubt, str] | None:
    """Why a face cannot be judged, and that in words; None where it can. `min_face`: px of height."""
    if looks.size < min_face:
        return (
            Doubt.FACE_TOO_SMALL,
            f"the face is {looks.size:.0f} px high, and at least {min_face} px are needed",
        )
    if looks.brightness < DARK:
        return (
            Doubt.TOO_DARK,
            f"the face is too dark: its brightest parts reach {looks.brightness:.0f} of 255 grey levels",
        )
    if looks.contrast < PALE:
        return (
            Doubt.TOO_PLAIN,
            f"the face is too pale: dark and bright parts differ by {looks.contrast:.0f} of 255 grey levels",
        )
    if abs(looks.yaw) > ASIDE or abs(looks.pitch) > UP_OR_DOWN:
        aside, tilted = abs(looks.yaw), abs(looks.pitch)
        words = f"the face is turned away: about {aside:.0f} degrees to the side, {tilted:.0f} up or down"
        return Doubt.TURNED_AWAY, words
    if looks.detail < BLURRED:
        return (
            Doubt.TOO_BLURRED,
            f"the face is too blurred: it shows no more than a sharp one of {looks.detail:.0f} px",
        )
    if looks.blockiness > BLOCKY:
        return (
            Doubt.TOO_COMPRESSED,
            f"the face is too compressed: blocks stand out {looks.blockiness:.1f} times",
        )
    return None


def inside(picture: NDArray[np.uint8], face: Face) -> Greys:
    """The inner part of the box, as far as it is in the picture; at least a block each way."""
    height, width = picture.shape[:2]
    top, bottom = _between(face.top, face.height, height)
    left, right = _between(face.left, face.width, width)
    return np.asarray(cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_BGR2GRAY), np.float32)


def _between(begin: float, length: float, whole: int) -> tuple[int, int]:
    first = min(max(0, round(begin + TRIM * length)), max(0, whole - BLOCK))
    return first, min(whole, max(first + BLOCK, round(begin + (1 - TRIM) * length)))


def _detail_px(grey: Greys, size: float) -> float:
    """Told by how sharp the sharpest edges are, which blur and enlarging take and compression hardly does."""
    return min(size, float(np.interp(measure_detail(grey, size), MEASURED, DETAIL)))


def measure_detail(grey: Greys, size: float) -> float:
    """How much the slope of brightness changes at edges to how steep it is. `size`: px of face height."""
    scale = SMALL / max(1.0, size)
    if scale < 1:
        high, wide = (max(1, round(scale * side)) for side in grey.shape)
        grey = np.asarray(cv2.resize(grey, (wide, high), interpolation=cv2.INTER_AREA), np.float32)
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), SMOOTH), np.float32)
    bend = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return float(np.percentile(bend, 95) / max(1.0, float(np.percentile(slope, 95))))


def _blockiness(grey: Greys) -> float:
    """Across columns, wherever the grid begins: a picture may have been cut since."""
    steps = np.minimum(np.abs(np.diff(grey, axis=1)), STEEP)
    if steps.shape[1] < 3 * BLOCK:
        return 0.0
    excess = (steps[:, 1:-1] - (steps[:, :-2] + steps[:, 2:]) / 2).mean(axis=0)
    phases = np.array([excess[phase::BLOCK].mean() for phase in range(BLOCK)])
    return float((phases.max() - np.median(phases)) / (steps.mean() + 0.2))
