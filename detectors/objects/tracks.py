"""Follows objects from picture to picture: which of them are the same one.

ByteTrack (Zhang et al., ECCV 2022) by ultralytics: what is hardly seen is not dropped, but matched last.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.detection import Region
from detectors.objects.found import Found
from detectors.offline import ultralytics_offline

FOLLOWED: Final = 3.0  # seconds that an object may be out of sight and is still the same
SURE: Final = 0.25  # confidence from which a found object may begin a track
HARDLY: Final = 0.1  # and from which it goes on with one
APART: Final = 0.85  # 1 - IoU, weighted by confidence, up to which two boxes may be of one object
MOVES: Final = 0.3  # of its own size: who is further than that from where it stood has moved
STEP: Final = 0.1  # and has taken a step: boxes tremble, and who stands on a line does not keep crossing it
RESTS: Final = 60.0  # seconds without moving after which an object stands: a parked car, a bag


@dataclass(slots=True)
class Track:
    """One object for as long as it is followed. Times are seconds of the stream."""

    number: int  # counts the stream's objects, from 1
    since: float  # when it was first seen
    region: Region
    confidence: float
    seen_at: float
    labels: Counter[str] = field(default_factory=Counter)  # confidence that was given to each
    moved_at: float | None = None  # when it last moved; None: it never did
    place: tuple[float, float] = (0.0, 0.0)  # where it stood then: the middle of its box
    stood: tuple[float, float] | None = None  # where its foot was after its last step
    before: tuple[float, float] | None = None  # and before that; None: it took none in this picture

    @property
    def label(self) -> str:
        """By all its sightings: a bus is no truck for one picture."""
        return max(self.labels, key=lambda each: (self.labels[each], each))

    @property
    def foot(self) -> tuple[float, float]:
        """Where it stands: the middle of its lower edge, as shares of the picture."""
        return self.region.left + self.region.width / 2, self.region.top + self.region.height

    def moving(self, now: float) -> bool:
        """Whether it moved within the last minute."""
        return self.moved_at is not None and now - self.moved_at < RESTS

    def note(self, found: Found, at: float) -> None:
        """Seen once more."""
        self.region, self.confidence, self.seen_at = found.region, found.confidence, at
        self.labels[found.label] += found.confidence  # type: ignore[assignment]
        across, down = self.region.left + self.region.width / 2, self.region.top + self.region.height / 2
        if self._far(self.place, (across, down)) > MOVES:
            self.place, self.moved_at = (across, down), at
        self.before = None
        if self.stood is None:
            self.stood = self.foot
        elif self._far(self.stood, self.foot) > STEP:
            self.before, self.stood = self.stood, self.foot

    def _far(self, one: tuple[float, float], other: tuple[float, float]) -> float:
        """In its own width or height."""
        return max(
            abs(one[0] - other[0]) / max(self.region.width, 1e-6),
            abs(one[1] - other[1]) / max(self.region.height, 1e-6),
        )


class Tracker:
    """Follows the objects of one stream."""

    def __init__(self) -> None:
        self._tracks: dict[int, Track] = {}  # by the library's number
        self._numbers = 0
        self._at: float | None = None
        self._pace = 0.2  # seconds between pictures, lately
        self._labels: list[str] = []  # as the library counts them
        self._bytes = _new()

    def forget(self) -> None:
        """Nothing goes on: pictures are missing."""
        self._tracks.clear()
        self._at = None
        self._bytes = _new()

    def follow(self, found: Sequence[Found], at: float, width: int, height: int) -> list[Track]:
        """Those in sight at a time in seconds, in a picture of width x height pixels."""
        if self._at is not None and at > self._at:
            self._pace += 0.2 * (min(at - self._at, FOLLOWED) - self._pace)
        self._at = at
        self._bytes.max_frames_lost = max(1, round(FOLLOWED / max(self._pace, 1e-3)))
        rows = self._bytes.update(_Seen.of(found, self._label, width, height))
        in_sight = []
        for row in rows:
            one = found[int(row[7])]
            track = self._tracks.get(int(row[4]))
            if track is None:
                self._numbers += 1
                middle = one.region.left + one.region.width / 2, one.region.top + one.region.height / 2
                track = Track(self._numbers, at, one.region, one.confidence, at, place=middle)
                self._tracks[int(row[4])] = track
            track.note(one, at)
            in_sight.append(track)
        gone = [key for key, track in self._tracks.items() if at - track.seen_at > FOLLOWED]
        for key in gone:
            del self._tracks[key]
        return in_sight

    def again(self, at: float) -> list[Track]:
        """Those in sight, where the picture is the same as before."""
        in_sight = [track for track in self._tracks.values() if track.seen_at == self._at]
        for track in in_sight:
            track.seen_at, track.before = at, None
        self._at = at
        return in_sight

    def _label(self, label: str) -> int:
        if label not in self._labels:
            self._labels.append(label)
        return self._labels.index(label)


def _new() -> Any:
    ultralytics_offline()
    from ultralytics.trackers.byte_tracker import BYTETracker

    return BYTETracker(  # type: ignore[no-untyped-call]
        SimpleNamespace(
            track_high_thresh=SURE,
            track_low_thresh=HARDLY,
            new_track_thresh=SURE,
            track_buffer=15,
            match_thresh=APART,
            fuse_score=True,
        )
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Found objects as the library wants them: arrays that are indexed together."""

    xywh: NDArray[np.float32]  # (N, 4) centre and size, pixels
    conf: NDArray[np.float32]
    cls: NDArray[np.float32]

    @classmethod
    def of(cls, found: Sequence[Found], number: Any, width: int, height: int) -> "_Seen":
        boxes = np.array(
            [
                (
                    (one.region.left + one.region.width / 2) * width,
                    (one.region.top + one.region.height / 2) * height,
                    one.region.width * width,
                    one.region.height * height,
                )
                for one in found
            ],
            np.float32,
        ).reshape(-1, 4)
        return cls(
            boxes,
            np.array([one.confidence for one in found], np.float32),
            np.array([number(one.label) for one in found], np.float32),
        )

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "_Seen":
        return _Seen(self.xywh[chosen], self.conf[chosen], self.cls[chosen])

    def __len__(self) -> int:
        return len(self.conf)
