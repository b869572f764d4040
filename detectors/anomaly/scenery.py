"""What stands still in a camera's view, cell by cell, against the scene as it was learned.

A place where nothing moved for a second shows what stands there; elsewhere, what was last seen at rest counts
on. So somebody who walks by leaves no trace, and what is put down, taken away or changed does. The light is
levelled before anything is compared: clouds, shadows with soft edges and the camera's exposure change how
bright a place is, not what stands there.
"""

import math
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.features import CELL, Floats, Grey, Small

SAMPLE = 0.2  # seconds between the pictures that are kept
LEAST = 4  # of them are needed
BEAT = 0.4  # seconds between two looks
LATE = 4.0  # seconds without a picture after which those before do not count
SETTLES = 2.4  # seconds in which nothing moved in a place: what is seen there stands, and is nobody who waits
STEADY = 9  # grey levels between the darkest and the brightest of them: nothing moves there
ASIDE = 7  # px around what moves that are not believed
FLICKERS = 2.4  # seconds in which a place goes up and down
FLICKER = 4.0  # grey levels up and down that rain and noise make, too
LEVELLED = 7  # cells: what is brighter or darker over more than half of such a square is light
DARK = 12.0  # grey levels added to both sides when brightness is compared: in the dark, noise is no light
NOISE = 2.0  # grey levels of a gradient that any picture shows
TEXTURE = 30.0  # squared gradient that counts as little structure
ABSORBS = 20.0  # seconds between two steps of the scene
DRIFTS = 300.0  # seconds in which what is not strange becomes the scene,
STAYS = 3600.0  # and what is

NAMES = (
    *("brightness", "blue", "red"),
    *("edges_upright", "edges_level", "edges_falling", "edges_rising"),
    *("changed", "lost", "grain", "flicker"),
)
# Smaller differences are never unusual, however steady the footage was; in the features' own units.
FLOORS = (2.0, 2.0, 2.0, 0.25, 0.25, 0.25, 0.25, 0.15, 0.15, 0.3, 0.25)


@dataclass(frozen=True, slots=True, eq=False)
class Beat:
    """The last few seconds of a stream."""

    grey: Floats  # (H, W) the mean, smoothed
    last: Grey  # (H, W) the last picture, smoothed
    settled: Floats  # (H, W) 1 where nothing moved, 0 close to where something did
    colour: Floats  # (rows, cols, 2)
    flicker: Floats  # (rows, cols) grey levels between the darkest and the brightest moment, in every beat


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """The view with nobody in it."""

    grey: Floats  # (H, W)
    colour: Floats  # (rows, cols, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What stands in the view, in the light of the scene."""

    grey: Floats  # (H, W)
    colour: Floats  # (rows, cols, 2)
    flicker: Floats  # (rows, cols)


class Beats:
    """Gathers one stream's pictures."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, Grey, Floats, Floats]] = deque()
        self._told = -math.inf

    def forget(self) -> None:
        """What comes next does not go with what was."""
        self._kept.clear()
        self._told = -math.inf

    def add(self, now: Small, at: float) -> Beat | None:
        """One more picture; the last seconds whenever it is time to look at them."""
        if self._kept:
            gap = at - self._kept[-1][0]
            if not 0 <= gap <= LATE:
                self.forget()
            elif gap < 0.9 * SAMPLE:
                return None
        self._kept.append((at, cv2.blur(now.grey, (3, 3)), now.colour, per_cell(now.grey).astype(np.float32)))  # type: ignore[arg-type]
        while len(self._kept) > LEAST and self._kept[1][0] <= at - FLICKERS:
            self._kept.popleft()
        if len(self._kept) < LEAST or at - self._kept[0][0] < 0.9 * SETTLES or at - self._told < 0.9 * BEAT:
            return None
        self._told = at
        recent = [kept for kept in self._kept if kept[0] >= at - 1.1 * SETTLES]
        greys = [grey for _, grey, _, _ in (recent if len(recent) >= LEAST else self._kept)]
        spread = np.maximum.reduce(greys) - np.minimum.reduce(greys)
        rest = (cv2.blur(spread, (3, 3)) <= STEADY).astype(np.float32)
        inside = cv2.erode(rest, np.ones((ASIDE, ASIDE), np.uint8))
        settled: Floats = cv2.blur(inside, (ASIDE, ASIDE))  # type: ignore[assignment]
        return Beat(
            np.stack(greys).mean(axis=0, dtype=np.float32),
            greys[-1],
            settled,
            now.colour,
            _flicker(np.stack([light for _, _, _, light in self._kept])),
        )


def _flicker(light: Floats) -> Floats:
    """(rows, cols) grey levels that cells (N, rows, cols) go up and down, more than by something passing."""
    steps = np.diff(light, axis=0)
    steps -= np.median(steps[:, ::2, ::2], axis=(1, 2), keepdims=True)  # the exposure of the whole picture
    way = np.cumsum(steps, axis=0)
    half = (len(way) + 1) // 2
    return np.minimum(_restless(way[:half]), _restless(way[-half:]))


def _restless(way: Floats) -> Floats:
    """How much more than once there and back, by half of the steps."""
    far = np.abs(np.diff(way, axis=0)).sum(axis=0)
    return np.maximum(far - 2 * np.ptp(way, axis=0), 0) / 2  # type: ignore[no-any-return]


class Watch:
    """What stands in front of one backdrop: a place that is not at rest keeps what was last at rest there."""

    def __init__(self, backdrop: Backdrop) -> None:
        self._look_at(backdrop)
        self._grey = backdrop.grey.copy()
        self._colour = backdrop.colour.copy()
        self._since = 0.0  # seconds for which nothing was absorbed

    def _look_at(self, backdrop: Backdrop) -> None:
        self.backdrop = backdrop
        self._cells = per_cell(backdrop.grey)
        self._across, self._down = _gradients(backdrop.grey)
        self._energy = per_cell(self._across**2 + self._down**2)
        self._size = per_cell(_length(self._across, self._down))
        self._edges = _edges(self._across, self._down)
        self._grain = _grain(backdrop.grey)

    def forget(self) -> None:
        """Nothing is known to stand there."""
        self._grey = self.backdrop.grey.copy()
        self._colour = self.backdrop.colour.copy()

    def see(self, beat: Beat) -> Standing:
        """What stands there after one more beat."""
        light = _light(per_cell(beat.grey), self._cells)
        large = _enlarged(light, beat.grey.shape)
        self._grey += beat.settled * (beat.grey / large - self._grey)
        last = beat.last / large
        apart, was = (cv2.blur(np.abs(grey - self.backdrop.grey), (5, 5)) for grey in (last, self._grey))
        back = cv2.blur((apart < 0.5 * was - 1).astype(np.float32), (5, 5))
        self._grey += back * (last - self._grey)
        colour = self._tint(beat.colour, light)
        nearer = np.abs(colour - self.backdrop.colour) < np.abs(self._colour - self.backdrop.colour)
        rests = per_cell(beat.settled)[..., None] > 0.5
        np.copyto(self._colour, colour, where=rests | nearer)
        return Standing(self._grey.copy(), self._colour.copy(), beat.flicker)

    def levelled(self, grey: Floats, colour: Floats, flicker: Floats) -> Standing:
        """A picture (H, W) and its colours (rows, cols, 2) as they would be in the scene's light."""
        light = _light(per_cell(grey), self._cells)
        return Standing(grey / _enlarged(light, grey.shape), self._tint(colour, light), flicker)

    def absorb(self, standing: Standing, strange: NDArray[np.bool_], seconds: float) -> None:
        """Lets the backdrop become what stands there: soon, or where it is strange (rows, cols) in hours."""
        self._since += seconds
        if self._since < ABSORBS:
            return
        share = np.where(strange, self._since / STAYS, self._since / DRIFTS).astype(np.float32)
        share = np.minimum(cv2.blur(share, (3, 3)), 1)
        grey = self.backdrop.grey + _enlarged(share, self.backdrop.grey.shape) * (
            standing.grey - self.backdrop.grey
        )
        colour = self.backdrop.colour + share[..., None] * (standing.colour - self.backdrop.colour)
        self._look_at(Backdrop(grey, colour))
        self._since = 0.0

    def _tint(self, colour: Floats, light: Floats) -> Floats:
        tint = colour / light[..., None]
        tint -= np.median((tint - self.backdrop.colour)[::2, ::2], axis=(0, 1))  # white balance
        return tint

    def describe(self, standing: Standing) -> Floats:
        """(rows, cols, len(NAMES)) how each cell differs from the scene."""
        across, down = _gradients(standing.grey)
        apart = per_cell(_length(across - self._across, down - self._down))
        common = per_cell(across * self._across + down * self._down)
        edges = zip(_edges(across, down), self._edges, strict=True)
        grids = [
            per_cell(standing.grey) - self._cells,
            *cv2.split(standing.colour - self.backdrop.colour),
            *(_steady(np.log((now + NOISE) / (then + NOISE))) for now, then in edges),
            np.log1p(apart / (NOISE + 0.25 * self._size)),
            _steady(np.clip((common + TEXTURE) / (self._energy + TEXTURE) - 1, -2, 2)),
            _steady(np.log((_grain(standing.grey) + 1) / (self._grain + 1))),
            np.log1p(standing.flicker / FLICKER),
        ]
        return np.stack([_around(grid) for grid in grids], axis=-1)


def _light(now: Floats, then: Floats) -> Floats:
    """(rows, cols) how many times brighter each place is lit than it was in the scene."""
    ratio = np.log((now + DARK) / (then + DARK))
    whole = float(np.median(ratio))
    steps = np.clip((ratio - whole) * 200 + 128, 0, 255).round().astype(np.uint8)
    local = (cv2.medianBlur(steps, LEVELLED).astype(np.float32) - 128) / 200
    light: Floats = np.exp(cv2.blur(local, (3, 3), borderType=cv2.BORDER_REPLICATE) + whole)
    return light


def _steady(grid: Floats) -> Floats:
    """Without what changed in most of the picture: focus, compression, haze."""
    return grid - np.median(grid)


def _gradients(grey: Floats) -> tuple[Floats, Floats]:
    return (
        cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=0.25),  # type: ignore[return-value]
        cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.25),
    )


def _length(across: Floats, down: Floats) -> Floats:
    return cv2.magnitude(across, down)  # type: ignore[return-value]


def _edges(across: Floats, down: Floats) -> list[Floats]:
    slanted = 0.7071 * (across + down), 0.7071 * (across - down)
    return [per_cell(np.abs(edge)) for edge in (across, down, *slanted)]


def _grain(grey: Floats) -> Floats:
    return per_cell(np.abs(cv2.Laplacian(grey, cv2.CV_32F)))


def per_cell(values: Grey | Floats) -> Floats:
    """The mean of each cell, in the values' own type: (H, W) to (rows, cols)."""
    size = (values.shape[1] // CELL, values.shape[0] // CELL)
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _around(cells: Floats) -> Floats:
    return cv2.blur(cells, (2, 2), borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _enlarged(cells: Floats, shape: tuple[int, ...]) -> Floats:
    return cv2.resize(cells, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
