"""Looks at overlapping parts of a picture too, so that small objects have pixels enough to be found.

As in slicing-aided hyper inference (Akyon et al., ICIP 2022), always with the whole picture, and merged so
that what the whole picture shows is never lost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from detectors.detection import Region
from detectors.objects.found import Found, ObjectFinder
from streams.frame import Frame

PARTS: Final = 2  # along each side
SIDE: Final = 0.6  # of the picture's: neighbours share a third of their width
EDGE: Final = 0.01  # share of a part: a box as near to its edge, within the picture, is cut by it
SAME: Final = 0.5  # of two boxes' union: above it they are of one object
INSIDE: Final = 0.7  # of the smaller box: above it, it is a piece of the larger one
SMALL: Final = 32  # pixels, the root of a box's area in what the network is shown: COCO's small objects
SURE: Final = 0.4  # confidence from which what parts add counts as a gain
AGAIN: Final = 10  # looks from one trial of the parts to the next, where small objects were seen lately, and
RARELY: Final = 50  # where none was
WEIGHT: Final = 0.25  # of the last trial in the running gain
BEGIN: Final = 0.5  # objects that parts add on average: from here on they are looked at always,
END: Final = 0.2  # and below this no more


class Worth:
    """Whether the parts of one camera's pictures are worth their time: by what they added when tried."""

    def __init__(self) -> None:
        self.worth = False
        self._gain: float | None = None  # objects
        self._next = 0  # looks until the next trial

    def due(self) -> bool:
        """Whether to look at the parts now."""
        return self.worth or self._next <= 0

    def whole(self, small: bool) -> None:
        """After a look at the whole picture alone; `small`: a small object was in it."""
        self._next = min(self._next - 1, AGAIN) if small else self._next - 1

    def tried(self, added: int, small: bool) -> None:
        """After a look at the parts as well: how many sure objects they added."""
        self._gain = added if self._gain is None else self._gain + WEIGHT * (added - self._gain)
        self.worth = self._gain >= (END if self.worth else BEGIN)
        self._next = AGAIN if small or added else RARELY


class SlicedFinder:
    """A finder around a finder."""

    def __init__(self, finder: ObjectFinder, when: Literal["auto", "always"]) -> None:
        self._finder = finder
        self._when = when
        self._worth: dict[str, Worth] = {}
        self.name = f"{finder.name}, with slices"
        self.sha256 = finder.sha256
        self.labels = finder.labels
        self.width = PARTS * finder.width

    def find(self, frames: Sequence[Frame]) -> Sequence[Sequence[Found]]:
        """As ObjectFinder."""
        whole = self._finder.find(frames)
        due = [number for number, frame in enumerate(frames) if self._due(frame)]
        more: dict[int, list[Found]] = {number: [] for number in due}
        for part in parts():
            shown = [_cut(frames[number], part) for number in due]
            for number, found in zip(due, self._finder.find(shown) if shown else (), strict=True):
                more[number] += [_back(one, part) for one in found if not _is_cut(one.region, part)]
        answers = []
        for number, (frame, found) in enumerate(zip(frames, whole, strict=True)):
            small = any(one.confidence >= SURE and self._is_small(one.region, frame) for one in found)
            worth = self._worth.setdefault(frame.stream, Worth())
            if number not in more:
                worth.whole(small)
                answers.append(found)
                continue
            merged, added = merge(found, more[number])
            worth.tried(added, small)
            answers.append(merged)
        return answers

    def forget(self, stream: str) -> None:
        """As ObjectFinder."""
        self._worth.pop(stream, None)
        self._finder.forget(stream)

    def _due(self, frame: Frame) -> bool:
        if self._when == "always":
            return True
        if frame.picture.shape[1] <= self._finder.width:  # as large already as the network is shown
            return False
        return self._worth.setdefault(frame.stream, Worth()).due()

    def _is_small(self, region: Region, frame: Frame) -> bool:
        height, width = frame.picture.shape[:2]
        scale = min(1.0, self._finder.width / max(height, width))
        return bool(region.width * width * region.height * height * scale**2 < SMALL**2)


@dataclass(frozen=True, slots=True)
class Part:
    """Shares of the picture."""

    left: float
    top: float


def parts() -> Iterator[Part]:
    """All, row by row."""
    places = np.linspace(0.0, 1.0 - SIDE, PARTS).tolist()
    for top in places:
        for left in places:
            yield Part(left, top)


def merge(whole: Sequence[Found], more: Sequence[Found]) -> tuple[list[Found], int]:
    """What parts found, in shares of the picture, put to what the whole showed; how many sure ones are new.

    An object of both is as sure as the surer of the two, in that one's box.
    """
    kept = list(whole)
    added = 0
    for one in sorted(more, key=lambda found: -found.confidence):
        known = [number for number, each in enumerate(kept) if each.label == one.label and _meet(each, one)]
        if not known:
            kept.append(one)
            added += one.confidence >= SURE
            continue
        same = max(known, key=lambda number: _union(kept[number].region, one.region))
        if one.confidence > kept[same].confidence and _union(kept[same].region, one.region) >= SAME:
            kept[same] = one
    return sorted(kept, key=lambda found: -found.confidence), added


def _cut(frame: Frame, part: Part) -> Frame:
    height, width = frame.picture.shape[:2]
    top, left = round(part.top * height), round(part.left * width)
    bottom, right = top + round(SIDE * height), left + round(SIDE * width)
    return replace(frame, picture=np.ascontiguousarray(frame.picture[top:bottom, left:right]))


def _back(one: Found, part: Part) -> Found:
    inner = one.region
    outer = Region(
        part.left + SIDE * inner.left, part.top + SIDE * inner.top, SIDE * inner.width, SIDE * inner.height
    )
    return replace(one, region=outer)


def _is_cut(inner: Region, part: Part) -> bool:
    """Its other piece lies beyond the part: whole, it is in another part or in the whole picture."""
    right, bottom = inner.left + inner.width, inner.top + inner.height
    return (
        (part.left > 0 and inner.left < EDGE)
        or (part.top > 0 and inner.top < EDGE)
        or (part.left + SIDE < 1 - EDGE and right > 1 - EDGE)
        or (part.top + SIDE < 1 - EDGE and bottom > 1 - EDGE)
    )


def _meet(one: Found, other: Found) -> bool:
    shared, smaller = _shared(one.region, other.region), min(map(_area, (one.region, other.region)))
    return shared >= INSIDE * smaller or _union(one.region, other.region) >= SAME


def _union(one: Region, other: Region) -> float:
    shared = _shared(one, other)
    return shared / (_area(one) + _area(other) - shared)


def _shared(one: Region, other: Region) -> float:
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    return max(0.0, width) * max(0.0, height)


def _area(one: Region) -> float:
    return one.width * one.height
