"""An object that was found in one picture, and the promise of whatever finds objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from detectors.detection import Region
from streams.frame import Frame


@dataclass(frozen=True, slots=True)
class Found:
    """One object in one picture."""

    label: str  # 'person'; one of the finder's labels
    confidence: float  # 0..1, as the finder has it
    region: Region


class ObjectFinder(Protocol):
    """Finds objects in pictures of several streams; what it remembers of a stream is its own matter."""

    name: str  # of the model and the form it runs in: 'yolov8n, OpenVINO'
    sha256: str  # of the weights; empty where there are none
    labels: tuple[str, ...]  # all that it can tell
    width: int  # pixels: a wider picture need not be kept for it

    def find(self, frames: Sequence[Frame]) -> Sequence[Sequence[Found]]:
        """What is in each picture, the surest first, also what it is hardly sure of (from 0.1 on): a tracker
        follows objects through moments in which they are hard to see.

        A stream stands at most once among the frames. Raises DetectorError when it cannot work now.
        """
        ...

    def forget(self, stream: str) -> None:
        """Drops what is remembered of a stream."""
        ...
