"""Whole stand-ins for the parts that a test is not about."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from detectors.detection import Detection, DetectorCard, DetectorError, Kind
from streams.frame import Frame

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
GREY = np.full((36, 64, 3), 128, np.uint8)


def frame(
    stream: str = "gate",
    number: int = 0,
    picture: NDArray[np.uint8] = GREY,
    *,
    position: float | None = None,
    captured: float = 0.0,
    live: bool = True,
) -> Frame:
    """A frame of a camera that gives five a second; the first one is fresh."""
    seconds = number / 5 if position is None else position
    at = EPOCH + timedelta(seconds=seconds)
    return Frame(stream, number, picture, at, captured, seconds, live, fresh=number == 0)


def damaged(whole: Frame) -> Frame:
    """The same frame after losses on the way."""
    return replace(whole, damaged=True)


class ManualClock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeDetector:
    """Says of every frame how often it looked; can be held up, fail on purpose, and dislike frames."""

    width = 64

    def __init__(self, name: str = "quality", kind: Kind | None = None) -> None:
        self.name = name
        self.kind = kind or Kind(name)
        self.batches: list[list[tuple[str, int]]] = []  # (stream, number) of what it was asked about
        self.forgotten: list[str] = []
        self.closed = 0
        self.threads: set[str] = set()
        self.failing: Exception | None = None
        self.disliked: set[int] = set()  # numbers of frames that make a batch fail
        self.not_yet: set[str] = set()  # streams whose recorded frames are to be shown again
        self.gate = threading.Event()
        self.gate.set()

    def examine(self, frames: Sequence[Frame]) -> Sequence[Sequence[Detection] | None]:
        """One detection for each frame, whose reason names the frame."""
        self.batches.append([(each.stream, each.number) for each in frames])
        self.threads.add(threading.current_thread().name)
        assert self.gate.wait(10), "nobody let the detector go on"
        if self.failing is not None:
            raise self.failing
        if bad := self.disliked & {each.number for each in frames}:
            raise DetectorError(f"cannot look at frame {min(bad)}")
        card = DetectorCard(self.name, "fake")
        return [
            None
            if each.stream in self.not_yet and not each.live
            else [Detection(self.kind, "thing", 0.0, 1.0, card, reason=f"{each.stream} {each.number}")]
            for each in frames
        ]

    def forget(self, stream: str) -> None:
        """Notes the stream."""
        self.forgotten.append(stream)

    def close(self) -> None:
        """Counts."""
        self.closed += 1
