"""The method for those who name weights: learns and judges the maps that these make of a picture."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly import maps_learning, maps_normal
from detectors.anomaly.maps import Mapper, Maps
from detectors.anomaly.maps_normal import MapsNormal
from detectors.anomaly.maps_score import MapsScorer
from detectors.anomaly.method import Progress, Seen
from detectors.opening import Opening


class MapsMethod:
    """Whatever makes the maps, what is learned of them is the same."""

    def __init__(
        self,
        name: str,
        width: int,
        opens: Callable[[], Mapper],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` and `width`: as of Method. `opens` reads the weights, and raises DetectorError without them:
        at once, and from time to time with a picture while they are missing.
        """
        self.name = name
        self.width = width
        self._mapper = Opening(opens, clock)

    def view(self, picture: NDArray[np.uint8]) -> Maps:
        """The maps of a picture (H, W, 3) BGR. Raises DetectorError where there are no weights."""
        return self._mapper.get().maps(picture)

    def pack(self, view: Maps) -> bytes:
        """The numbers as they are."""
        return view.values.tobytes()

    def unpack(self, packed: memoryview, like: Maps) -> Maps:
        """The view again; `like` is one of the same shape."""
        values = np.frombuffer(packed, np.float16, like.values.size).reshape(like.values.shape)
        return Maps(values, like.network)

    def learn(
        self,
        footage: Sequence[Seen],
        start: MapsNormal | None,
        progress: Progress,
        stopped: Callable[[], bool],
    ) -> MapsNormal:
        """A camera's normal from views of one shape."""
        return maps_learning.learn(footage, start, progress, stopped)

    def save(self, learned: MapsNormal, folder: Path) -> str:
        """Writes it in place of what was there, and returns its hash. Raises OSError."""
        return maps_normal.save(learned, folder)

    def load(self, folder: Path) -> MapsNormal | None:
        """What was learned, None where there is nothing. Raises NormalError."""
        return maps_normal.load(folder)

    def scorer(self, learned: MapsNormal) -> MapsScorer:
        """Judges one stream by what was learned."""
        return MapsScorer(learned)
