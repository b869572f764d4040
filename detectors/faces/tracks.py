"""Which face of a picture is which face of those before: numbers that stay, one for each face of a stream."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from detectors.faces.face import Face, overlap

PATIENCE = 1.5  # seconds for which a face that is not found is still waited for
REACH = 0.8  # of a face's size: how far from where it is expected it may be,
SWAY = 4.0  # and how many sizes more for each second since it was seen,
FAR = 1.8  # but no more than this: two whose evidence is mixed are worse than one who is told of twice
GROWTH = 1.8  # times: how much larger or smaller it may be
MOST = 64  # faces that are followed at once; those seen longest ago are dropped
SWIFT = 0.6  # of the newest pace in the one that is expected


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A face and which one it is."""

    number: int  # never given twice in a stream's life
    face: Face
    since: float  # seconds: where the stream stood when it was first seen
    sightings: int  # pictures in which it was found, this one too


class Tracks:
    """Follows the faces of one stream. It has no clock: each picture comes with its position in seconds."""

    def __init__(self) -> None:
        self._known: list[_Known] = []
        self._last = 0  # number given
        self._position = -math.inf

    @property
    def followed(self) -> int:
        """How many faces are remembered: at most MOST."""
        return len(self._known)

    def follow(self, faces: Sequence[Face], position: float, *, cut: bool = False) -> list[Track]:
        """One track for each face, in the same order.

        `cut`: this picture does not go on from the one before; all faces are new. So they are where
        `position` does not grow.
        """
        if cut or position <= self._position:
            self._known.clear()
        self._position = position
        self._known = [one for one in self._known if position - one.seen <= PATIENCE]
        pairs = self._pairs(faces, position)
        tracks = []
        for index, face in enumerate(faces):
            if (known := pairs.get(index)) is None:
                self._last += 1
                known = _Known(self._last, face, position)
                self._known.append(known)
            else:
                known.see(face, position)
            tracks.append(Track(known.number, face, known.since, known.sightings))
        self._known = sorted(self._known, key=lambda one: -one.seen)[:MOST]
        return tracks

    def _pairs(self, faces: Sequence[Face], position: float) -> "dict[int, _Known]":
        """Known faces by the index of the face that they are now: the likeliest pair first."""
        costs = [
            (cost, index, at)
            for index, face in enumerate(faces)
            for at, known in enumerate(self._known)
            if (cost := known.unlike(face, position)) is not None
        ]
        pairs: dict[int, _Known] = {}
        taken: set[int] = set()
        for _, index, at in sorted(costs):
            if index not in pairs and at not in taken:
                pairs[index] = self._known[at]
                taken.add(at)
        return pairs


class _Known:
    """What is remembered of one face: where it was, and how it moves."""

    __slots__ = ("face", "number", "pace", "seen", "sightings", "since")

    def __init__(self, number: int, face: Face, position: float) -> None:
        self.number = number
        self.face = face
        self.since = self.seen = position
        self.sightings = 1
        self.pace = (0.0, 0.0)  # px a second

    def see(self, face: Face, position: float) -> None:
        gap = position - self.seen
        (x, y), (was_x, was_y) = face.centre, self.face.centre
        across, down = self.pace
        self.pace = (
            SWIFT * (x - was_x) / gap + (1 - SWIFT) * across,
            SWIFT * (y - was_y) / gap + (1 - SWIFT) * down,
        )
        self.face, self.seen = face, position
        self.sightings += 1

    def unlike(self, face: Face, position: float) -> float | None:
        """How much a face differs from the one that is expected; None where it cannot be the same."""
        gap = position - self.seen
        size, was = _size(face), _size(self.face)
        grown = abs(math.log(size / was))
        if grown > math.log(GROWTH):
            return None
        x, y = self.face.centre
        expected = x + self.pace[0] * gap, y + self.pace[1] * gap
        apart = math.dist(face.centre, expected) / was
        if apart > min(FAR, REACH + SWAY * gap):
            return None
        moved = Face(
            expected[0] - self.face.width / 2,
            expected[1] - self.face.height / 2,
            self.face.width,
            self.face.height,
            self.face.landmarks,
            self.face.confidence,
        )
        return apart + grown + 1 - overlap(face, moved)


def _size(face: Face) -> float:
    return max(1.0, math.sqrt(max(0.0, face.width * face.height)))
