"""The user's own clip as what the camera sees: read, judged fit or not, and events laid over its pictures."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from daemon.demo.figures import Dress, lay_over, shade, walker

LONGEST = 24.0  # seconds of the clip that are used
SHORTEST = 20.0  # less than that says too little of what is normal
WIDEST = 640  # pixels
FASTEST = 15  # pictures a second: above it, every second or third picture is used
SURVEY_WIDTH = 160  # pixels
SURVEY_GAP = 0.2  # seconds between the two pictures of which motion is measured
ONE_WAY = 0.6  # above this share of all sideways motion, "the usual direction" means something


class FootageError(Exception):
    """A clip that the demo cannot use; says why, and what would do."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a clip shows, measured on small pictures."""

    heat: NDArray[np.float32]  # (h, w): in what share of the time something moves there
    rightward: float  # -1 all motion goes to the left, 1 all goes to the right
    speed: float  # how fast movers are, in picture widths a second


class Footage:
    """A clip in two halves. Reading it raises FootageError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rate, self._size = self._look()
        self.survey, pictures = self._survey()
        self._half = pictures // 2
        self.half_seconds = float(self._half / self.rate)
        self.words = path.name
        self._one_way = abs(self.survey.rightward) >= ONE_WAY
        self.wrong_way_words = (
            "the clip runs backwards, so all moves against the usual direction"
            if self._one_way
            else "somebody runs where others walk (this clip has no one usual direction)"
        )

    def normal(self, half: int) -> Iterator[NDArray[np.uint8]]:
        """The pictures of half 0 or 1, (H, W, 3) BGR."""
        for number, picture in enumerate(self._pictures()):
            if number >= (half + 1) * self._half:
                return
            if number >= half * self._half:
                yield picture

    def intruder(self) -> Iterator[NDArray[np.uint8]]:
        """Half 0, with a figure that crosses where least has moved in the clip."""
        return self._crossing(height=0.4, speed=0.11, feet=self._feet(0.4, busiest=False))

    def wrong_way(self) -> Iterator[NDArray[np.uint8]]:
        """Half 0 backwards; with a runner instead, where the clip's movers go both ways."""
        if self._one_way:
            return iter(list(self.normal(0))[::-1])
        return self._crossing(
            height=0.3, speed=max(0.3, 3 * self.survey.speed), feet=self._feet(0.3, busiest=True)
        )

    def _crossing(self, height: float, speed: float, feet: float) -> Iterator[NDArray[np.uint8]]:
        """Half 0 with a figure that goes through it again and again; all in shares of height or width."""
        width, tall = self._size
        dress = Dress((40, 210, 232), (60, 50, 44), hair=(24, 24, 26))
        heading = -1 if self.survey.rightward > 0 else 1
        size, step = height * tall, speed * width
        way = width + size
        for number, picture in enumerate(self.normal(0)):
            gone = (step * float(number / self.rate)) % way
            x = gone - size / 2 if heading > 0 else width + size / 2 - gone
            figure = walker(size, gone / size * 4.4, dress, heading)
            composed = picture.copy()
            shade(composed, x, feet * tall, size * 0.26, size * 0.05)
            lay_over(composed, figure, x - figure.shape[1] / 2, feet * tall - figure.shape[0] + 1)
            yield composed

    def _feet(self, height: float, busiest: bool) -> float:
        """Where a figure stands, as a share of the height: in the band where most, or least, moves."""
        rows = self.survey.heat.mean(axis=1)
        lowest = [round(len(rows) * share) for share in np.arange(height + 0.05, 0.99, 0.02)]
        heats = [float(rows[round(end - height * len(rows)) : end].mean()) for end in lowest]
        # Of bands that are alike the lowest one, where a figure of this size looks at home.
        best = max(heats) if busiest else min(heats)
        return max(end for end, heat in zip(lowest, heats, strict=True) if abs(heat - best) < 0.002) / len(
            rows
        )

    def _look(self) -> tuple[Fraction, tuple[int, int]]:
        """The rate at which it is used, and the size (width, height) it is scaled to."""
        if not self._path.is_file():
            raise FootageError(f"{self._path}: there is no such file")
        try:
            with av.open(str(self._path)) as container:
                if not container.streams.video:
                    raise FootageError(f"{self._path}: there is no video in this file")
                stream = container.streams.video[0]
                rate = stream.average_rate or stream.guessed_rate or Fraction(10)
                width, height = stream.width, stream.height
        except PermissionError:
            raise FootageError(f"{self._path}: no permission to read this file") from None
        except (av.FFmpegError, OSError) as error:
            raise FootageError(f"{self._path}: cannot be read as a video ({_why(error)})") from None
        if min(width, height) < 64:
            raise FootageError(
                f"{self._path}: the picture is too small ({width}x{height}); 64x64 is the least"
            )
        scale = min(1.0, WIDEST / width)
        size = (round(width * scale) // 2 * 2, round(height * scale) // 2 * 2)
        return rate / max(1, math.ceil(rate / FASTEST)), size

    def _pictures(self) -> Iterator[NDArray[np.uint8]]:
        """The clip at a steady rate, scaled, for at most LONGEST seconds. What cannot be decoded ends it."""
        due, end = Fraction(0), Fraction(LONGEST)
        first: float | None = None
        with av.open(str(self._path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            rate = float(stream.average_rate or stream.guessed_rate or 10)
            frames = container.decode(stream)
            for number in range(1_000_000):
                try:
                    frame = next(frames, None)
                except av.FFmpegError:
                    return
                if frame is None:
                    return
                now = number / rate if frame.time is None else frame.time
                first = now if first is None else first
                if now - first < due - 0.5 / self.rate:
                    continue
                small = frame.reformat(*self._size, format="bgr24", interpolation="AREA")
                picture = small.to_ndarray().astype(np.uint8, copy=False)
                while due < end and now - first >= due - 0.5 / self.rate:
                    yield picture
                    due += 1 / self.rate
                if due >= end:
                    return

    def _survey(self) -> tuple[Survey, int]:
        """Reads the clip once: its length, if the camera stands still, where things move, and which way."""
        width = SURVEY_WIDTH
        height = max(32, round(width * self._size[1] / self._size[0]))
        gap = max(1, round(SURVEY_GAP * self.rate))
        kept: list[NDArray[np.uint8]] = []
        waiting: dict[int, NDArray[np.uint8]] = {}
        flows: list[NDArray[np.float32]] = []
        finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        pictures = 0
        for number, picture in enumerate(self._pictures()):
            pictures = number + 1
            small = cv2.cvtColor(
                cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY
            )
            if number % max(1, round(self.rate / 2)) == 0:
                kept.append(small.astype(np.uint8))
                waiting[number + gap] = kept[-1]
            before = waiting.pop(number, None)
            if before is not None:
                flows.append(
                    finder.calc(before, small, np.zeros((height, width, 2), np.float32)).astype(np.float32)
                )
        seconds = float(pictures / self.rate)
        if seconds < SHORTEST:
            raise FootageError(
                f"{self._path}: only {seconds:.1f} s can be read; at least {SHORTEST:.0f} s are needed, "
                "so that the camera's normal can be learned and events be planted in it"
            )
        self._stands_still(kept)
        motion = np.stack(flows)  # (N, h, w, 2)
        speed = np.hypot(motion[..., 0], motion[..., 1])
        moving = speed > 0.7
        sideways = motion[..., 0][moving]
        share = float(sideways.sum() / max(1e-6, np.abs(sideways).sum()))
        usual = float(np.median(speed[moving])) if moving.mean() > 1e-4 else 0.0
        return Survey(
            moving.mean(axis=0).astype(np.float32), share, usual / width * float(self.rate) / gap
        ), pictures

    def _stands_still(self, kept: list[NDArray[np.uint8]]) -> None:
        """Raises where most of the picture changes, or all of it shifts: no fixed camera, or cuts."""
        usual = np.median(np.stack(kept), axis=0).astype(np.float32)
        changed = float(np.mean([(np.abs(small - usual) > 20).mean() for small in kept]))
        shifts = [_shift(usual, small.astype(np.float32)) for small in kept]
        shifted = float(np.mean([shift > 1.0 for shift in shifts]))
        if changed > 0.35 or shifted > 0.25:
            seen = (
                f"on average {changed:.0%} of the picture changes"
                if changed > 0.35
                else "the whole picture shifts"
            )
            raise FootageError(
                f"{self._path}: this does not look like a fixed camera: {seen}. The demo needs a clip "
                "of one view, from a camera that stands still, without cuts"
            )


def _shift(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """How far the view has shifted, in pixels: the median over tiles, of which a mover fills but some."""
    rows, columns = 3, 4
    height, width = before.shape[0] // rows, before.shape[1] // columns
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    shifts = []
    for y in range(0, rows * height, height):
        for x in range(0, columns * width, width):
            # Copies, because phaseCorrelate multiplies its arguments by the window in place.
            tiles = [picture[y : y + height, x : x + width].copy() for picture in (before, after)]
            (right, down), _ = cv2.phaseCorrelate(tiles[0], tiles[1], window)
            shifts.append(math.hypot(right, down))
    return float(np.median(shifts))


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
