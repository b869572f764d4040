"""Where a head is turned to, by five places of its face."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# mm from the middle between the eyes, of an average head: to the right, down, and towards who looks.
_HEAD = np.array(
    [(-32, 0, 0), (32, 0, 0), (0, 36, 27), (-26, 66, 2), (26, 66, 2)], np.float64
)  # eyes, nose, mouth
_AROUND = _HEAD - _HEAD.mean(axis=0)
_SOLVE = np.linalg.pinv(_AROUND)  # (3, 5)


@dataclass(frozen=True, slots=True)
class Pose:
    """Degrees; all 0 where a head looks straight at the camera."""

    yaw: float  # to the side: positive to the right, as seen
    pitch: float  # positive downwards
    roll: float  # positive clockwise, as seen


def pose_of(landmarks: NDArray[np.float32]) -> Pose:
    """Of five places (5, 2) in px: seen from afar, a picture of the head is linear in its places.

    DeMenthon and Davis, "Model-based object pose in 25 lines of code", IJCV 1995: their first step.
    """
    seen = landmarks.astype(np.float64)
    across, down = (_SOLVE @ (seen - seen.mean(axis=0))).T  # (3,) each: how x and y go with right, down, near
    across = across / max(1e-9, float(np.linalg.norm(across)))
    down = down / max(1e-9, float(np.linalg.norm(down)))
    lean = math.atan2(down[0], across[0])  # where the line of the eyes goes
    across, down = (
        math.cos(lean) * across + math.sin(lean) * down,
        math.cos(lean) * down - math.sin(lean) * across,
    )
    aside, below = float(across[2]), float(down[2])  # where the face looks to, upright now
    ahead = float(np.cross(across, down)[2])
    yaw = math.degrees(math.atan2(aside, ahead))
    pitch = math.degrees(math.atan2(below, math.hypot(aside, ahead)))
    roll = math.degrees(lean)
    return Pose(yaw, pitch, roll)
