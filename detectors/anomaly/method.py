"""The promise of every way to learn a camera's normal and to judge by it, and the words it answers in.

A pupil gathers footage, has a method learn from it, and shows its scorer the pictures that follow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.detection import Before, Region

UNUSUAL = "unusual"  # the label while there is nothing to tell apart

Progress = Callable[[float], None]  # told the share that is done, 0..1


class Stopped(Exception):  # noqa: N818  # not an error: somebody asked for it
    """Learning was asked to stop."""


class NormalError(Exception):
    """What was learned earlier cannot be used; the text says why."""


class View(Protocol):
    """A picture as one method keeps it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """What was learned holds for pictures of this shape alone."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One picture of the footage."""

    view: Any  # a View of the method that learns
    at: float  # seconds, rising within one connection
    fresh: bool  # nothing before it compares


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """How unusual one picture is."""

    score: float  # the surprise: -log10 of the share of normal blocks as high (threshold.py), below 12
    regions: tuple[Region, ...] = ()
    heatmap: NDArray[np.float32] | None = None  # (rows, cols) 0..1; .5 is the threshold
    kind: str = UNUSUAL  # 'motion', 'content' or 'structure' where it is near the threshold
    reason: str = ""
    before: Before | None = None  # what was known before it, kept from near the threshold on
    expected: NDArray[np.uint8] | None = None  # (h, w, 3) BGR, any size: what the camera should see


class Learned(Protocol):
    """What a method knows of one camera: frozen data."""

    @property
    def sha256(self) -> str:
        """Of its weights as they lie on disk; empty where they were not saved."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the views that it was learned from."""
        ...

    @property
    def blocks(self) -> int:
        """Of normal footage that its scores stand on, BLOCK seconds each (detectors/anomaly/threshold.py)."""
        ...


class Scorer(Protocol):
    """Looks at one stream's pictures in their order."""

    @property
    def useless(self) -> float:
        """Seconds in which no picture could be judged, because they come at another pace than was learned."""
        ...

    def score(self, now: Any, at: float, fresh: bool, threshold: float) -> Reading | None:
        """One more view, `at` seconds of its connection; from near the threshold on, with map and words.

        None where it has no predecessor to compare with: it is the first one, or pictures were lost before.
        """
        ...

    def learned(self) -> Any:
        """What was learned, with all that has followed the camera since (the light, say)."""
        ...


class Method(Protocol):
    """One way of learning and judging. Its scores mean the same as every other method's: see Reading."""

    name: str  # of the model, as the card of its detections says it
    width: int  # px of a picture's longer side that it looks at, at most

    def view(self, picture: NDArray[np.uint8]) -> Any:
        """A picture (H, W, 3) BGR as this method keeps it."""
        ...

    def pack(self, view: Any) -> bytes:
        """As many bytes for every view of one shape."""
        ...

    def unpack(self, packed: memoryview, like: Any) -> Any:
        """The view again; `like` is one of the same shape."""
        ...

    def learn(
        self, footage: Sequence[Seen], start: Any | None, progress: Progress, stopped: Callable[[], bool]
    ) -> Any:
        """A camera's normal from views of one shape; from `start`, what was learned of it before, if given.

        Raises Stopped soon after stopped() is true, ValueError where the footage is no use.
        The same footage and start give the same normal, to rounding.
        """
        ...

    def save(self, learned: Any, folder: Path) -> str:
        """Writes it in place of what was there, and returns the weights' hash. Raises OSError."""
        ...

    def load(self, folder: Path) -> Any | None:
        """What was learned, None where there is nothing. Raises NormalError."""
        ...

    def scorer(self, learned: Any) -> Scorer:
        """Judges one stream by what was learned."""
        ...
