"""Found objects as a finder would tell them, for tests: whole, and without any picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from detectors.detection import DetectorError, Region
from detectors.objects.found import Found
from streams.frame import Frame

BEGAN = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
PACE = 0.2  # seconds
PICTURE = np.zeros((100, 200, 3), np.uint8)


def found(label: str, across: float, foot: float, confidence: float = 0.8, height: float = 0.2) -> Found:
    """One whose foot is there: the middle of its lower edge, as shares of the picture."""
    return Found(label, confidence, Region(across - height / 4, foot - height, height / 2, height))


def frame(number: int, stream: str = "yard", **changes: object) -> Frame:
    """The one that is filmed after so many."""
    at = number * PACE
    told = {"fresh": number == 0, "live": True} | changes
    return Frame(stream, number, PICTURE, BEGAN + timedelta(seconds=at), at, at, **told)  # type: ignore[arg-type]


@dataclass
class Script:
    """An ObjectFinder that has read what is in each picture, by stream and number."""

    pictures: Mapping[str, Sequence[Sequence[Found]]]
    labels: tuple[str, ...] = ("person", "car", "dog")
    name: str = "script"
    sha256: str = "5c"
    width: int = 200
    asked: list[tuple[str, int]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    broken: bool = False

    def find(self, frames: Sequence[Frame]) -> Sequence[Sequence[Found]]:
        """What stands in the script; nothing after its end."""
        if self.broken:
            raise DetectorError("the card is gone: put it back")
        self.asked += [(each.stream, each.number) for each in frames]
        return [
            list(script[each.number])
            if each.number < len(script := self.pictures.get(each.stream, ()))
            else []
            for each in frames
        ]

    def forget(self, stream: str) -> None:
        """Notes it."""
        self.forgotten.append(stream)


def walks(label: str, begin: float, end: float, foot: float, pictures: int, **more: float) -> list[Found]:
    """Across the picture, from one place to another."""
    return [found(label, float(at), foot, **more) for at in np.linspace(begin, end, pictures)]
