"""What a camera's footage offers for planting: its empty scene, and what moves there, cut out."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

LOOKED_AT = 120  # pictures for the median
DIFFERENT = 18.0  # grey levels from the empty scene at which a pixel belongs to something that moves
SMALLEST, LARGEST = 0.0008, 0.3  # share of the picture that a cut-out covers
LOWEST = 10  # px of height
SHORTEST = 0.6  # seconds that something is followed
MOST_ACTORS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """Something that moved through the picture, cut out of each picture that shows it."""

    patches: tuple[Picture, ...]  # (h, w, 3) BGR
    alphas: tuple[Floats, ...]  # (h, w) 0..1, soft at the edges
    feet: Floats  # (N, 2) px: the middle of each box's lower edge
    velocity: Floats  # (2,) px a second, median

    @property
    def height(self) -> float:
        return float(np.median([len(patch) for patch in self.patches]))

    @property
    def width(self) -> float:
        return float(np.median([patch.shape[1] for patch in self.patches]))

    @property
    def speed(self) -> float:
        return float(np.hypot(*self.velocity))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One camera's place."""

    empty: Picture  # (H, W, 3) BGR: the median
    actors: tuple[Actor, ...]  # the longest seen first; none where nothing moves alone
    still: Actor | None  # what stands out of the empty scene itself, where nothing moves
    visits: Floats  # (H, W) 0..1: share of the pictures in which something stands in front
    heights: tuple[float, float]  # an actor's height in px is about first + second * row of its feet
    rate: float  # pictures a second

    def scale(self, row_from: float, row_to: float) -> float:
        """How much larger the same thing looks with its feet in another row."""
        there, here = (self.heights[0] + self.heights[1] * row for row in (row_to, row_from))
        return float(np.clip(there / max(here, 1.0), 0.6, 2.0))

    def in_front(self, picture: Picture) -> Mask:
        """(H, W) where something stands in front of the empty scene."""
        return _in_front(picture, self.empty)

    def someone(self, chance: np.random.Generator, moving: bool) -> Actor | None:
        """One that is large and fast enough to be seen, preferably; a still one where nothing moves."""
        if not self.actors:
            return None if moving else self.still
        some = self.actors
        if moving:
            quick = [one for one in some if one.speed > 0.15 * one.height]
            some = tuple(quick) or some
        return some[int(chance.integers(len(some)))]


def observe(pictures: Sequence[Picture], rate: float) -> Scene:
    """The scene of a fixed camera's pictures (H, W, 3) BGR, in their order, so many a second."""
    chosen = np.unique(np.linspace(0, len(pictures) - 1, LOOKED_AT).astype(int))
    empty: Picture = np.median(np.stack([pictures[i] for i in chosen]), axis=0).astype(np.uint8)
    visits = np.zeros(empty.shape[:2], np.float32)
    tracks: list[_Track] = []
    for number, picture in enumerate(pictures):
        front = _in_front(picture, empty)
        visits += front
        _follow(tracks, number, picture, front)
    actors = sorted((t.actor(rate) for t in tracks if t.worth(rate)), key=lambda a: -len(a.patches))
    actors = actors[:MOST_ACTORS]
    still = None if actors else _still(empty)
    visits /= len(pictures)
    return Scene(empty, tuple(actors), still, visits, _heights(actors), rate)


@dataclass(slots=True, eq=False)
class _Track:
    numbers: list[int]
    boxes: list[tuple[int, int, int, int]]
    patches: list[Picture]
    alphas: list[Floats]

    def worth(self, rate: float) -> bool:
        if len(self.boxes) < max(5, SHORTEST * rate):
            return False
        areas = np.array([w * h for _, _, w, h in self.boxes])
        path = self._feet()[-1] - self._feet()[0]
        return bool(areas.max() < 2.5 * areas.min() and np.hypot(*path) > 0.3 * np.sqrt(np.median(areas)))

    def actor(self, rate: float) -> Actor:
        feet = self._feet()
        seconds = (self.numbers[-1] - self.numbers[0]) / rate
        return Actor(tuple(self.patches), tuple(self.alphas), feet, (feet[-1] - feet[0]) / seconds)

    def _feet(self) -> Floats:
        return np.array([(x + w / 2, y + h) for x, y, w, h in self.boxes], np.float32)


def _in_front(picture: Picture, empty: Picture) -> Mask:
    change = cv2.GaussianBlur(picture, (3, 3), 0).astype(np.int16) - cv2.GaussianBlur(empty, (3, 3), 0)
    change -= np.median(change[::4, ::4], axis=(0, 1)).astype(np.int16)  # the exposure of the whole picture
    marks = cv2.morphologyEx(
        (np.abs(change).max(axis=2) > DIFFERENT).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)
    )
    return cv2.morphologyEx(marks, cv2.MORPH_CLOSE, np.ones((7, 5), np.uint8)).astype(bool)


def _follow(tracks: list[_Track], number: int, picture: Picture, front: Mask) -> None:
    """Adds what is seen in one picture to the tracks that go on in it."""
    height, width = front.shape
    alive = [track for track in tracks if track.numbers[-1] == number - 1]
    count, marks, stats, _ = cv2.connectedComponentsWithStats(front.astype(np.uint8))
    for mark in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[mark])
        inside = x > 2 and y > 2 and x + w < width - 2 and y + h < height - 2
        solid = area > 0.3 * w * h and 0.4 < h / w < 6 and h > LOWEST
        if not inside or not solid or not SMALLEST < area / front.size < LARGEST:
            continue
        top, left, bottom, right = y - 2, x - 2, y + h + 2, x + w + 2
        whole = (marks[top:bottom, left:right] == mark).astype(np.uint8)
        outlines, _ = cv2.findContours(whole, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(whole, outlines, -1, 1, cv2.FILLED)
        whole = cv2.erode(whole, np.ones((3, 3), np.uint8))
        alpha: Floats = cv2.GaussianBlur(whole.astype(np.float32), (3, 3), 0)  # type: ignore[assignment]
        box = (left, top, right - left, bottom - top)
        best = max(alive, key=lambda track: _overlap(track.boxes[-1], box), default=None)
        if best is None or _overlap(best.boxes[-1], box) < 0.3:
            best = _Track([], [], [], [])
            tracks.append(best)
        else:
            alive.remove(best)
        best.numbers.append(number)
        best.boxes.append(box)
        best.patches.append(picture[top:bottom, left:right].copy())
        best.alphas.append(alpha)


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes x, y, width, height."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0, across) * max(0, down)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def _heights(actors: Sequence[Actor]) -> tuple[float, float]:
    """How height goes with the row of the feet: a line, level where too little was seen to tell."""
    rows = np.array([actor.feet[:, 1].mean() for actor in actors])
    tall = np.array([actor.height for actor in actors])
    if len(actors) < 5 or np.ptp(rows) < tall.mean():
        return (float(tall.mean()) if len(actors) else 1.0), 0.0
    slope, start = np.polyfit(rows, tall, 1)
    return (float(start), float(slope)) if slope > 0 else (float(tall.mean()), 0.0)


def _still(empty: Picture) -> Actor | None:
    """The thing that stands out most, cut out (Rother et al., GrabCut, SIGGRAPH 2004)."""
    height, width = empty.shape[:2]
    tall, slim = round(0.45 * height), round(0.14 * width)
    grey = cv2.cvtColor(empty, cv2.COLOR_BGR2GRAY)
    edges = np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    energy = cv2.blur(np.minimum(edges, 100), (slim, tall))
    away = np.zeros_like(energy)
    away[tall // 2 + 8 : height - tall // 2 - 8, slim : width - slim] = 1
    row, col = np.unravel_index(int(np.argmax(energy * away)), energy.shape)
    box = (int(col) - slim // 2, int(row) - tall // 2, slim, tall)
    marks = np.zeros((height, width), np.uint8)
    cv2.setRNGSeed(1)
    cv2.grabCut(empty, marks, box, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_RECT)
    front = ((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.uint8)
    count, names, stats, _ = cv2.connectedComponentsWithStats(front)
    if count < 2:
        return None
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    x, y, w, h, area = (int(value) for value in stats[best])
    if area < SMALLEST * front.size:
        return None
    alpha = cv2.GaussianBlur((names[y : y + h, x : x + w] == best).astype(np.float32), (3, 3), 0)
    feet = np.array([[x + w / 2, y + h]], np.float32)
    return Actor((empty[y : y + h, x : x + w].copy(),), (alpha,), feet, np.zeros(2, np.float32))
