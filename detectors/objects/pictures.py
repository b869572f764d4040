"""Whether pictures are such that a finder can look at them."""

from collections.abc import Sequence

import numpy as np

from detectors.detection import DetectorError
from streams.frame import Frame


def check(frames: Sequence[Frame]) -> None:
    """Before anything is computed. Raises DetectorError for one that is none."""
    for frame in frames:
        picture = frame.picture
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            raise DetectorError(
                f"a picture of '{frame.stream}' is {picture.dtype} {picture.shape}, and not bytes of "
                "(height, width, 3): the source that made it is at fault"
            )
