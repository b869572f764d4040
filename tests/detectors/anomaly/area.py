"""A whole method of judging that learns in no time: how much of the picture differs from what was learned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.method import Progress, Reading, Seen
from detectors.detection import Region

DIFFERENT = 40  # grey levels


@dataclass(frozen=True, slots=True, eq=False)
class AreaView:
    """The picture in grey."""

    grey: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W)."""
        return self.grey.shape


@dataclass(frozen=True, slots=True, eq=False)
class AreaLearned:
    """The median picture, and the largest share of it that differed."""

    empty: NDArray[np.uint8]
    most: float
    sha256: str = "area"
    blocks: int = 60

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W)."""
        return self.empty.shape


class AreaScorer:
    """4 times the share that differs, over what was the most while learning."""

    def __init__(self, learned: AreaLearned) -> None:
        self.useless = 0.0
        self._learned = learned

    def score(self, now: AreaView, at: float, fresh: bool, threshold: float) -> Reading | None:
        """None for the first picture."""
        if fresh:
            return None
        front = _front(now.grey, self._learned.empty)
        x, y, w, h = cv2.boundingRect(front.astype(np.uint8))
        height, width = front.shape
        box = Region(x / width, y / height, w / width, h / height)
        return Reading(min(12.0, 4 * front.mean() / self._learned.most), (box,), kind="content")

    def learned(self) -> AreaLearned:
        """As it was."""
        return self._learned


class Area:
    """The Method."""

    name = "area"
    width = 320

    def view(self, picture: NDArray[np.uint8]) -> AreaView:
        """In grey."""
        return AreaView(cv2.blur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (3, 3)))  # type: ignore[arg-type]

    def pack(self, view: AreaView) -> bytes:
        """As it is."""
        return view.grey.tobytes()

    def unpack(self, packed: memoryview, like: AreaView) -> AreaView:
        """Again."""
        return AreaView(np.frombuffer(packed, np.uint8).reshape(like.shape))

    def learn(
        self,
        footage: Sequence[Seen],
        start: AreaLearned | None,
        progress: Progress,
        stopped: Callable[[], bool],
    ) -> AreaLearned:
        """The median, and what differs from it."""
        greys = np.stack([seen.view.grey for seen in footage])
        empty = np.median(greys, axis=0).astype(np.uint8)
        return AreaLearned(empty, max(float(_front(grey, empty).mean()) for grey in greys))

    def save(self, learned: AreaLearned, folder: Path) -> str:
        """In one file."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "area.npz", empty=learned.empty, most=learned.most)
        return learned.sha256

    def load(self, folder: Path) -> AreaLearned | None:
        """From there."""
        if not (folder / "area.npz").exists():
            return None
        with np.load(folder / "area.npz") as kept:
            return AreaLearned(kept["empty"], float(kept["most"]))

    def scorer(self, learned: AreaLearned) -> AreaScorer:
        """Judges by it."""
        return AreaScorer(learned)


def _front(grey: NDArray[np.uint8], empty: NDArray[np.uint8]) -> NDArray[np.bool_]:
    front: NDArray[np.bool_] = cv2.absdiff(grey, empty) > DIFFERENT
    return front
