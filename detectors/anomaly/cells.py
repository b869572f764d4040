"""The method that ships: denoisers of what moves in front of the empty scene, and of the scene itself."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.features import CELL, WIDTH, Small, shrink
from detectors.anomaly.inference import Scorer
from detectors.anomaly.learning import learn
from detectors.anomaly.method import Progress, Seen, Stopped
from detectors.anomaly.normal import Normal, load, save
from detectors.anomaly.scenery_learning import learn_scenery

MOVING = 0.6  # share of learning that what moves takes


class Cells:
    """Looks at pictures of at most WIDTH px in cells of CELL px."""

    name = "cells-2"
    width = WIDTH

    def view(self, picture: NDArray[np.uint8]) -> Small:
        """A picture (H, W, 3) BGR, made small."""
        return shrink(picture)

    def pack(self, view: Small) -> bytes:
        """The grey levels, then the cells' colours in half precision."""
        return view.grey.tobytes() + view.colour.astype(np.float16).tobytes()

    def unpack(self, packed: memoryview, like: Small) -> Small:
        """The view again; `like` is one of the same shape."""
        rows, cols = like.grey.shape
        grey = np.frombuffer(packed, np.uint8, rows * cols).reshape(rows, cols)
        colour = np.frombuffer(packed, np.float16, offset=rows * cols)
        return Small(
            grey, colour.astype(np.float32).reshape(rows // CELL, cols // CELL, 2), like.height, like.width
        )

    def learn(
        self,
        footage: Sequence[Seen],
        start: Normal | None,
        progress: Progress,
        stopped: Callable[[], bool],
    ) -> Normal:
        """A camera's normal from views of one shape."""

        def done(share: float) -> None:
            if stopped():
                raise Stopped
            progress(MOVING + (1 - MOVING) * share)

        moving = learn(
            footage, lambda share: progress(MOVING * share), stopped, start.expectation if start else None
        )
        return replace(moving, scenery=learn_scenery(footage, done))

    def save(self, learned: Normal, folder: Path) -> str:
        """Writes it in place of what was there, and returns the weights' hash. Raises OSError."""
        return save(learned, folder)

    def load(self, folder: Path) -> Normal | None:
        """What was learned, None where there is nothing. Raises NormalError."""
        return load(folder)

    def scorer(self, learned: Normal) -> Scorer:
        """Judges one stream by what was learned."""
        return Scorer(learned)
