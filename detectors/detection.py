"""What a detector says of a frame, and the promise that every detector keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streams.frame import Frame


class Kind(StrEnum):
    """What an alert is about: the last word of its channel name."""

    DEEPFAKE = "deepfake"
    ANOMALY = "anomaly"
    OBJECT = "object"
    QUALITY = "quality"
    STREAM = "stream"

    __hash__ = str.__hash__  # that of enum is ten times as slow, and each frame looks up many of them


class Doubt(StrEnum):
    """Why a detector cannot tell. 'Cannot tell' is never 'fine'."""

    LEARNING = "learning"
    NO_FACE = "no_face"
    FACE_TOO_SMALL = "face_too_small"
    TOO_DARK = "too_dark"
    TOO_BLURRED = "too_blurred"
    TOO_COMPRESSED = "too_compressed"
    TOO_FEW = "too_few"  # good pictures of it so far
    TURNED_AWAY = "turned_away"  # a face that is seen from the side, or from above or below
    OUTSIDE_CALIBRATION = "outside_calibration"  # unlike all that scores were calibrated on
    TOO_PLAIN = "too_plain"  # too little structure to tell by
    HIDDEN = "hidden"  # another fault of the picture hides it; the reason names that one
    DAMAGED = "damaged"
    INTERRUPTED = "interrupted"  # the pictures that this one would be compared with are missing
    DETECTOR_DEGRADED = "detector_degraded"
    STREAM_DOWN = "stream_down"


class DetectorError(Exception):
    """A detector that cannot do its work now (weights missing, device lost); says what to do about it."""


@dataclass(frozen=True, slots=True)
class Region:
    """A box in the picture, as shares of its width and height, 0..1."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """Who made a detection: enough to make it again."""

    name: str
    model: str
    model_sha256: str = ""  # of the weights, empty where there are none
    config_sha256: str = ""  # of the detector's settings


class Before(Protocol):
    """What a detector knew of a stream before it looked at a frame, so that the frame can be scored again."""

    def pack(self) -> Mapping[str, bytes]:
        """Files by name. May take a tenth of a second: not for the device thread."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One thing that one detector says of one frame. Fine things are said too: that is how alerts close."""

    kind: Kind
    label: str  # what precisely: 'frozen', 'motion', 'person'
    score: float  # the detector's own scale; higher is further from fine
    threshold: float  # at or above it the score is alarming
    made_by: DetectorCard
    subject: str = ""  # which of several (a face track, an object's number); empty where there is but one
    doubt: Doubt | None = None  # set: cannot tell, and score means nothing
    reason: str = ""  # words a person can read: what was seen, or why it cannot tell
    regions: tuple[Region, ...] = ()
    outline: tuple[tuple[float, float], ...] = ()  # of the zone or line that it is about, in shares as Region
    heatmap: NDArray[np.float32] | None = None  # (h, w), 0..1, any size: shown over the picture as evidence
    expected: NDArray[np.uint8] | None = None  # (h, w, 3) BGR, any size: what should be seen there
    provisional: bool = False  # the threshold stands on little footage yet
    progress: float | None = None  # 0..1 while learning
    before: Before | None = None  # kept while something is or was just alarming

    @property
    def alarming(self) -> bool:
        """True where the detector can tell, and what it tells is not fine."""
        return self.doubt is None and self.score >= self.threshold


class Detector(Protocol):
    """Looks at frames of many streams, keeps what it must remember for each, and answers for every frame.

    All calls come from one thread, the device thread.
    """

    name: str
    kind: Kind  # of all its detections

    @property
    def width(self) -> int:
        """Pixels: a wider picture need not be converted, copied or kept for it."""
        ...

    def examine(self, frames: Sequence[Frame]) -> Sequence[Sequence[Detection] | None]:
        """One answer for each frame, in the same order; a stream stands at most once in a batch.

        None, which only a recording's frame may get: not yet, show the same frame again in a moment. So a
        recording waits for what takes long in the background, and the device thread does not.
        Raises DetectorError when it cannot work now.
        """
        ...

    def forget(self, stream: str) -> None:
        """Drops what is remembered of a stream in memory; what was learned stays on disk."""
        ...

    def close(self) -> None:
        """Ends what runs in the background and writes down what was learned."""
        ...
