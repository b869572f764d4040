"""What a camera's picture says, cell by cell: how each place moves and looks against the empty scene.

Pictures are judged small (at most 320 px wide) in cells of 8 px. Only cells with something in front of the
background are described: a quiet picture costs a difference and a threshold, no optical flow. Features are
gated by the foreground, so a cell with nothing in it would be all zeros.

Flow: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.light import exposure

WIDTH = 320  # px of the picture's longer side, at most
SMALLEST = 64  # px of its shorter side, at least: optical flow needs room
CELL = 8  # px
FOREGROUND = 4.0  # deviations from the background at which a pixel counts as something in front of it
NOISE_FLOOR = 3.0  # grey levels: no camera's encoded picture is steadier than this
ACTIVE = 0.08  # share of a cell's window that must be foreground
COLOURFUL = 24.0  # grey levels from which on colours count less and less: clothes differ much
FLOW_GAP = 0.28  # seconds between the two pictures that flow compares
NEAR_GAP = 0.1  # the same for what is fast: over a longer gap flow loses small things that run
FOLLOW = 1.0  # grey levels a second by which the background follows the light
ABSORB = 0.03  # the same under foreground: what is left behind stays strange for many minutes

MOTION = ("sideways", "updown", "speed", "disorder", "quick", "arriving")
CONTENT = (
    *("cover", "extent", "bulk", "contrast", "brightness", "blue", "red"),
    *("edges_upright", "edges_level", "edges_falling", "edges_rising"),
)
NAMES = MOTION + CONTENT
# Smaller differences are never unusual, however steady the footage was; in the features' own units.
FLOORS = (0.004, 0.003, 0.004, 0.003, 0.004, 0.05, 0.08, 0.08, 0.08, 0.25, 4.0, 0.5, 0.5, 0.2, 0.2, 0.2, 0.2)

WHOLE = np.s_[:, :]

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Small:
    """A picture as it is judged: its sides are multiples of CELL, filled up by repeating the last line."""

    grey: Grey  # (H, W)
    colour: Floats  # (H / CELL, W / CELL, 2) blue and red against grey, in grey levels
    height: int  # px that show the picture
    width: int

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W)."""
        return self.grey.shape


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What a picture is compared with; both may be the same picture where few come a second."""

    far: Small  # about FLOW_GAP earlier
    near: Small  # about NEAR_GAP earlier
    near_gap: float  # seconds


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """The empty scene."""

    grey: Floats  # (H, W)
    noise: Floats  # (H, W) grey levels: how much each pixel changes by itself
    colour: Floats  # (H / CELL, W / CELL, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of one picture in which something is."""

    rows: NDArray[np.intp]  # (N,)
    cols: NDArray[np.intp]  # (N,)
    values: Floats  # (N, len(NAMES)); speeds in picture widths a second times the share covered


def shrink(picture: Grey) -> Small:
    """A picture (H, W, 3) BGR, made small."""
    height, width = picture.shape[:2]
    scale = min(1.0, WIDTH / max(height, width))
    size = (max(round(width * scale), SMALLEST), max(round(height * scale), SMALLEST))
    if size != (width, height):
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    right, below = -size[0] % CELL, -size[1] % CELL
    if right or below:
        picture = cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    blocks = _per_cell(picture).astype(np.float32)  # (H / CELL, W / CELL, 3)
    luma = blocks @ np.array([0.114, 0.587, 0.299], np.float32)
    colour = np.stack([blocks[..., 0] - luma, blocks[..., 2] - luma], axis=-1)
    return Small(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), colour, size[1], size[0])  # type: ignore[arg-type]


def empty_scene(greys: Grey, colours: Floats) -> Background:
    """The background of pictures (N, H, W) and (N, H / CELL, W / CELL, 2): their median."""
    smooth = np.stack([cv2.blur(grey, (3, 3)) for grey in greys])  # (N, H, W)
    grey = np.median(smooth, axis=0).astype(np.float32)
    noise = np.empty_like(grey)
    for row in range(len(grey)):  # line by line: all differences at once would need four times the footage
        noise[row] = 1.4826 * np.median(np.abs(smooth[:, row] - grey[row]), axis=0)
    return Background(grey, np.maximum(noise, NOISE_FLOOR), np.median(colours, axis=0).astype(np.float32))


class Recent:
    """The last pictures of one connection, to find the one that flow should compare with."""

    def __init__(self) -> None:
        self._pictures: list[tuple[float, Small]] = []

    def forget(self) -> None:
        """What comes next does not compare with what was."""
        self._pictures.clear()

    def past(self, now: Small, at: float) -> tuple[Past, float] | None:
        """What to compare a picture taken at `at` seconds with, and how far back that is. Keeps `now`."""
        if self._pictures and self._pictures[-1][0] >= at:
            self._pictures.clear()  # time went backwards: another footage
        far = min(self._pictures, key=lambda seen: abs(at - seen[0] - FLOW_GAP), default=None)
        near = min(self._pictures, key=lambda seen: abs(at - seen[0] - NEAR_GAP), default=None)
        while len(self._pictures) > 1 and self._pictures[1][0] <= at - FLOW_GAP:
            self._pictures.pop(0)
        if not self._pictures or at - self._pictures[-1][0] > FLOW_GAP / 12:  # a 60 fps stream needs no more
            self._pictures.append((at, now))
        return None if far is None or near is None else (Past(far[1], near[1], at - near[0]), at - far[0])


class Observer:
    """Describes pictures against a background of its own that follows slow changes of the light."""

    def __init__(self, background: Background) -> None:
        self.background = Background(background.grey.copy(), background.noise, background.colour.copy())
        self.flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.flow.setVariationalRefinementIterations(0)  # a quarter of the time, and no better scores
        self._since = 0.0

    def describe(self, now: Small, past: Past, gap: float) -> Cells:
        """The active cells of `now`; the far picture of `past` was taken `gap` seconds earlier."""
        smooth = self.levelled(now.grey)
        change = smooth - self.background.grey
        strange = np.abs(change) / self.background.noise
        front = (strange > FOREGROUND).astype(np.float32)  # (H, W)
        share = _per_cell(front)  # (rows, cols)
        cover = _around(share, 2)
        rows, cols = (
            places + 1 for places in np.nonzero(cover[1:, 1:] > ACTIVE)
        )  # those with a whole window
        if not len(rows):
            return Cells(rows, cols, np.empty((0, len(NAMES)), np.float32))
        top, bottom = _span(rows, len(cover))
        left, right = _span(cols, cover.shape[1])
        cells = np.s_[top:bottom, left:right]
        cut = np.s_[top * CELL : bottom * CELL, left * CELL : right * CELL]
        mask = front[cut]
        across, down = self._moved(now, past.far, gap, cut, mask)
        square: Floats = across * across + down * down
        fast: Floats = np.hypot(across, down)
        if past.near is not past.far:
            fast = np.hypot(*self._moved(now, past.near, past.near_gap, cut, mask))
        vx, vy = _gathered(across, 2), _gathered(down, 2)
        light = smooth[cut]
        upright = cv2.Sobel(light, cv2.CV_32F, 1, 0, scale=0.25)
        level = cv2.Sobel(light, cv2.CV_32F, 0, 1, scale=0.25)
        slanted = 0.7071 * (upright + level), 0.7071 * (upright - level)
        covered, wider = cover[cells], _around(share, 4)[cells]
        grids = [
            vx,
            vy,
            _gathered(np.sqrt(square), 2),
            np.sqrt(np.maximum(_gathered(square, 2) * covered - vx * vx - vy * vy, 0)),
            _gathered(fast, 2),
            _gathered(mask * (1 - self._front(past.near, cut)), 4) / past.near_gap,
            np.sqrt(covered),
            np.sqrt(wider),
            np.sqrt(_around(share, 8)[cells]),
            np.log1p(_gathered(strange[cut] * mask, 2) / (covered + 1e-3)) * covered,
            _gathered(change[cut] * mask, 2),
            *cv2.split(np.arcsinh(_around(now.colour - self.background.colour, 2)[cells] / COLOURFUL)),
            *(
                np.log1p(_gathered(np.abs(edge) * mask, 4) / (wider + 1e-3)) * np.sqrt(wider)
                for edge in (upright, level, *slanted)
            ),
        ]
        values = np.stack([grid[rows - top, cols - left] for grid in grids], axis=-1)
        return Cells(rows, cols, values.astype(np.float32))

    def _moved(
        self, now: Small, then: Small, gap: float, cut: tuple[slice, slice], mask: Floats
    ) -> tuple[Floats, Floats]:
        """How fast what stands in front moves, to the right and down, in picture widths a second."""
        # From now to then: the flow stands where things are now, and points to where they were.
        flow = self.flow.calc(now.grey[cut].copy(), then.grey[cut].copy(), None)  # type: ignore[call-overload]
        across, down = (plane / (-gap * now.width) * mask for plane in cv2.split(flow))
        return across, down

    def _front(self, then: Small, cut: tuple[slice, slice]) -> Floats:
        """Where something stood in front of the background at another moment, 0 or 1."""
        change = self.levelled(then.grey, cut) - self.background.grey[cut]
        front: Floats = (np.abs(change) > FOREGROUND * self.background.noise[cut]).astype(np.float32)
        return front

    def levelled(self, grey: Grey, cut: tuple[slice, slice] = WHOLE) -> Floats:
        """A picture (H, W), smoothed, or a part of it, as it would be in the light of the background."""
        smooth: Grey = cv2.blur(grey, (3, 3))  # type: ignore[assignment]
        gain, lift = exposure(smooth, self.background.grey)
        return (smooth[cut] - np.float32(lift)) * np.float32(1 / gain)

    def follow(self, now: Small, seconds: float) -> None:
        """Lets the background drift towards `now`; called for every picture, works about once a second."""
        self._since += min(seconds, 2.0)
        if self._since < 1.0:
            return
        smooth: Grey = cv2.blur(now.grey, (3, 3))  # type: ignore[assignment]
        gain, lift = exposure(smooth, self.background.grey)
        # What a gain makes up for is not followed: it would be in part, and fit no gain any more.
        change = (smooth if gain == 1 else (smooth - lift) / gain) - self.background.grey
        front = np.abs(change) > FOREGROUND * self.background.noise
        limit = np.where(front, np.float32(ABSORB * self._since), np.float32(FOLLOW * self._since))
        np.add(self.background.grey, np.clip(change, -limit, limit), out=self.background.grey)
        drift = FOLLOW * self._since * 0.1
        shift = np.clip(now.colour - self.background.colour, -drift, drift)
        np.add(self.background.colour, shift, out=self.background.colour)
        self._since = 0.0


def _per_cell(values: Grey | Floats) -> Floats:
    """The mean of each cell: (H, W, ...) to (H / CELL, W / CELL, ...)."""
    size = (values.shape[1] // CELL, values.shape[0] // CELL)
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _around(cells: Floats, size: int) -> Floats:
    """The mean of size x size cells around each."""
    return cv2.blur(cells, (size, size), borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _gathered(pixels: Floats, size: int) -> Floats:
    return _around(_per_cell(pixels), size)


def _span(places: NDArray[np.intp], end: int) -> tuple[int, int]:
    """The stretch of cells that holds all places, with room for windows and flow, in coarse steps."""
    return max(0, (int(places.min()) - 3) // 4 * 4), min(end, -(-(int(places.max()) + 4) // 4) * 4)
