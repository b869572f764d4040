"""Finds what moves, with no weights: it differs from the camera's background, and it changes now.

The background is a mixture of Gaussians for each pixel with shadows told apart (Zivkovic, "Improved adaptive
Gaussian mixture model for background subtraction", ICPR 2004), as OpenCV has it. By itself it also finds what
was left behind, and the hole where something parked has driven off; neither changes from picture to picture.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from config.scene import MOVING
from detectors.detection import Region
from detectors.objects.found import Found
from detectors.objects.pictures import check
from streams.frame import Frame

WIDTH: Final = 480  # pixels: pictures are shrunk to it
VARIANCES: Final = (
    25.0  # squared distance from a Gaussian, in its variances, from which a pixel is foreground
)
SHADOW_DARKEST: Final = 0.5  # share of the background's brightness; what is darker is no shadow
REMEMBERED: Final = 60.0  # seconds in which most of the background is learned anew
WARM_UP: Final = 3.0  # seconds of pictures, and
WARM_UP_PICTURES: Final = 8  # as many at least, before anything is said
LIGHT: Final = 0.5  # share of the picture: when more than that changes, it was the light or the camera
SETTLING: Final = 1.0  # seconds of silence after that, in which the background is learned quickly
CHANGE: Final = 12  # grey levels from one picture to the next
LATELY: Final = 1.0  # seconds: what changed longer ago does not move any more
ALIVE: Final = 0.04  # share of a thing's pixels that must have changed lately
SMALLEST: Final = 0.0006  # share of the picture's area
THINNEST: Final = 0.012  # share of the picture's height, for either side
SEEN: Final = 4  # pictures in a row after which being seen again makes it no surer
SOLID: Final = 0.5  # share of its box that a thing of full confidence fills
FLOOR: Final = 0.1  # confidence below which nothing is said
FEW: Final = (60, 34)  # pixels from which a picture's brightness is told
STEADY: Final = 0.01  # share of the brightness by which it may change unheeded

Picture = NDArray[Any]  # of bytes; OpenCV's own types say less


@dataclass(frozen=True, slots=True)
class _Thing:
    left: int  # pixels as shrunk
    top: int
    right: int
    bottom: int
    fill: float  # share of the box
    seen: int  # pictures in a row


class MovingFinder:
    """Confidence: how much of its box a thing fills, times the share of SEEN pictures that it was seen in."""

    name = MOVING
    sha256 = ""
    labels: tuple[str, ...] = (MOVING,)
    width = 640

    def __init__(self) -> None:
        self._scenes: dict[str, _Scene] = {}

    def find(self, frames: Sequence[Frame]) -> Sequence[Sequence[Found]]:
        """As ObjectFinder. Nothing while a background is learned: at first, and after the light changed."""
        check(frames)
        answers = []
        for frame in frames:
            if frame.fresh or frame.stream not in self._scenes:
                self._scenes[frame.stream] = _Scene(frame)
            answers.append(self._scenes[frame.stream].look(frame))
        return answers

    def forget(self, stream: str) -> None:
        """Drops its background."""
        self._scenes.pop(stream, None)


class _Scene:
    """One stream's background, and what is before it."""

    def __init__(self, frame: Frame) -> None:
        height, width = frame.picture.shape[:2]
        scale = min(1.0, WIDTH / width)
        self._size = max(8, round(width * scale)), max(8, round(height * scale))
        self._model = cv2.createBackgroundSubtractorMOG2(500, VARIANCES, True)
        self._model.setShadowThreshold(SHADOW_DARKEST)
        self._grey: Picture | None = None
        self._usual: NDArray[np.float32] | None = None  # grey levels of the background, of a few pixels
        self._changed = np.full(self._size[::-1], -math.inf, np.float32)  # when each pixel changed last
        self._things: list[_Thing] = []
        self._began = self._at = frame.position
        self._pictures = 0
        self._silent_until = frame.position + WARM_UP
        unit = max(1, round(self._size[0] / 160))
        self._speck = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (unit, unit))
        self._gap = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * unit + 1, 4 * unit + 1))  # people stand

    def look(self, frame: Frame) -> list[Found]:
        passed, self._at = max(0.0, frame.position - self._at), frame.position
        if not frame.unchanged:
            self._see(frame.picture, passed)
        if frame.position < self._silent_until or self._pictures < WARM_UP_PICTURES:
            return []
        found = [self._found(thing) for thing in self._things if self._moves(thing)]
        return sorted(
            (one for one in found if one.confidence >= FLOOR), key=lambda one: one.confidence, reverse=True
        )

    def _see(self, picture: NDArray[np.uint8], passed: float) -> None:
        self._pictures += 1
        rate = self._rate(passed)
        shrunk = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)
        shrunk = self._as_usual(cv2.GaussianBlur(shrunk, (3, 3), 0), rate)
        grey = cv2.cvtColor(shrunk, cv2.COLOR_BGR2GRAY)
        if self._grey is not None:
            self._changed[cv2.absdiff(grey, self._grey) > CHANGE] = self._at
        self._grey = grey
        mask = self._model.apply(shrunk, learningRate=rate)
        solid: Picture = (mask == 255).astype(np.uint8)  # 127: shadow
        if self._pictures > 1 and solid.mean() > LIGHT:
            self._silent_until = max(self._silent_until, self._at + SETTLING)
        solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, self._speck)
        self._things = list(self._told_apart(solid))

    def _as_usual(self, picture: Picture, rate: float) -> Picture:
        """The picture as bright as the background: a camera that opens its iris has not moved anything."""
        few = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), FEW, interpolation=cv2.INTER_AREA)
        now = few.astype(np.float32) + 1
        if self._usual is None:
            self._usual = now
        gain = float(np.median(self._usual / now))  # what moves covers less than half
        self._usual += np.float32(rate) * (now - self._usual)
        return cv2.convertScaleAbs(picture, alpha=gain) if abs(gain - 1) > STEADY else picture

    def _rate(self, passed: float) -> float:
        if self._pictures <= WARM_UP_PICTURES:
            return 1 / self._pictures
        if self._at < self._silent_until:
            return max(1 / self._pictures, 0.2) if self._at - self._began > WARM_UP else 1 / self._pictures
        return 1 - math.exp(-passed / REMEMBERED)

    def _told_apart(self, solid: Picture) -> Iterator[_Thing]:
        closed = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, self._gap)
        number, places, measures, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
        width, height = self._size
        for one in range(1, number):
            left, top, wide, high, area = (int(each) for each in measures[one])
            if area < SMALLEST * width * height or min(wide, high) < THINNEST * height:
                continue
            box = slice(top, top + high), slice(left, left + wide)
            fill = float(np.count_nonzero(solid[box][places[box] == one])) / (wide * high)
            seen = max((each.seen for each in self._things if _meet(each, left, top, wide, high)), default=0)
            yield _Thing(left, top, left + wide, top + high, fill, seen + 1)

    def _moves(self, thing: _Thing) -> bool:
        changed = self._changed[thing.top : thing.bottom, thing.left : thing.right] > self._at - LATELY
        return float(changed.mean()) > ALIVE

    def _found(self, thing: _Thing) -> Found:
        width, height = self._size
        region = Region(
            thing.left / width,
            thing.top / height,
            (thing.right - thing.left) / width,
            (thing.bottom - thing.top) / height,
        )
        return Found(MOVING, min(1.0, thing.fill / SOLID) * min(thing.seen, SEEN) / SEEN, region)


def _meet(thing: _Thing, left: int, top: int, width: int, height: int) -> bool:
    return (
        thing.left < left + width and left < thing.right and thing.top < top + height and top < thing.bottom
    )
