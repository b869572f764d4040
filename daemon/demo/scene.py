"""The drawn scene: a one-way street as a fixed camera sees it, the same every time for the same seed."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from daemon.demo.figures import Colour, Dress, car, lay_over, shade, walker
from daemon.demo.street import HEIGHT, POLES, WIDTH, draw_crown, draw_street

FPS = 12
HALF_SECONDS = 12  # the scene goes round in two halves; at the seams no car is in the picture
ROUND_SECONDS = 2 * HALF_SECONDS


@dataclass(frozen=True, slots=True)
class Passer:
    """Somebody who walks along the pavement to the right, once in every round."""

    enters: float  # seconds into the round
    speed: float  # pixels a second
    feet: float  # pixels from the top
    height: float  # pixels
    dress: Dress


@dataclass(frozen=True, slots=True)
class Drive:
    """A car that crosses the picture once in every round."""

    enters: float  # seconds into the round
    colour: Colour
    length: float = 118
    speed: float = 112  # pixels a second: 7 seconds from edge to edge
    heading: int = -1  # the street is one-way, to the left
    wheels: float = 304  # pixels from the top


PASSERS = (
    Passer(0.6, 46, 238, 67, Dress((92, 60, 44), (60, 54, 52))),
    Passer(4.1, 41, 233, 64, Dress((54, 60, 150), (96, 84, 70), hair=(30, 60, 96), bag=(40, 70, 110))),
    Passer(9.5, 52, 241, 69, Dress((70, 96, 62), (50, 46, 46), bag=(52, 44, 40))),
    Passer(13.2, 44, 236, 65, Dress((150, 150, 156), (90, 60, 40), hair=(90, 120, 150))),
    Passer(17.0, 48, 239, 68, Dress((60, 132, 188), (70, 66, 64))),
    Passer(20.8, 39, 231, 62, Dress((44, 40, 42), (120, 112, 104), hair=(170, 176, 180))),
)
CARS = (
    Drive(0.4, (142, 96, 52)),
    Drive(4.6, (196, 198, 200), length=112),
    Drive(12.4, (52, 50, 158), length=124, speed=118),
    Drive(16.7, (86, 84, 82), length=116),
)
WRONG_WAY = (  # the same cars: nothing but the direction is new
    Drive(0.4, (142, 96, 52), heading=1),
    Drive(4.6, (196, 198, 200), length=112, heading=1),
)


class Scene:
    """Draws any moment of the street. A moment's picture depends on nothing but the seed and the moment."""

    rate = Fraction(FPS)
    half_seconds = float(HALF_SECONDS)
    words = "a drawn street"
    wrong_way_words = "cars drive the wrong way down the one-way street"

    def __init__(self, seed: int = 7) -> None:
        rng = np.random.default_rng(seed)
        self._street = draw_street(rng)
        self._crowns = [
            (x, y, radius, period, draw_crown(rng, radius, tint, leaves))
            for x, y, radius in ((96, 108, 50), (470, 120, 40))
            for period, tint, leaves in ((8.0, (40, 84, 62), 900), (4.8, (58, 128, 96), 700))
        ]
        self._noise = rng.normal(0, 2.2, (HEIGHT + 64, WIDTH + 64, 3)).astype(np.float32)
        self._seed = seed

    def normal(self, half: int) -> Iterator[NDArray[np.uint8]]:
        """The pictures of one half of the round: half 0 or 1. Each is (HEIGHT, WIDTH, 3) BGR."""
        first = half * HALF_SECONDS * FPS
        for number in range(first, first + HALF_SECONDS * FPS):
            yield self._picture(number)

    def intruder(self) -> Iterator[NDArray[np.uint8]]:
        """Half 0, with somebody on the grass, where nobody walks."""
        prowler = Passer(0, 64, 358, 140, Dress((40, 210, 232), (60, 50, 44), hair=(24, 24, 26)))
        for number in range(HALF_SECONDS * FPS):
            picture = self._picture(number, noisy=False)
            self._walk(picture, WIDTH + 50 - prowler.speed * number / FPS, prowler, heading=-1)
            yield self._finish(picture, number)

    def wrong_way(self) -> Iterator[NDArray[np.uint8]]:
        """Half 0, with the cars coming from the other side."""
        for number in range(HALF_SECONDS * FPS):
            yield self._picture(number, cars=WRONG_WAY)

    def _picture(self, number: int, cars: tuple[Drive, ...] = CARS, noisy: bool = True) -> NDArray[np.uint8]:
        now = number / FPS
        picture = self._street.copy()
        for passer in sorted(PASSERS, key=lambda p: p.feet):
            self._walk(
                picture, passer.speed * ((now - passer.enters) % ROUND_SECONDS) - 30, passer, heading=1
            )
        for left, top, right, bottom in POLES:
            picture[top:bottom, left:right] = self._street[top:bottom, left:right]
        for x, y, radius, period, crown in self._crowns:
            swing = 2.4 * math.sin(2 * math.pi * now / period + x) + 1.1 * math.sin(2 * math.pi * now / 2.4)
            lean = np.array([[1, -swing / crown.shape[0], swing], [0, 1, 0]], dtype=np.float32)
            bent = np.asarray(cv2.warpAffine(crown, lean, (crown.shape[1], crown.shape[0])), np.float32)
            lay_over(picture, bent, x - 1.2 * radius, y - 1.2 * radius)
        for drive in cars:
            self._drive(picture, drive.speed * ((now - drive.enters) % ROUND_SECONDS), drive)
        return self._finish(picture, number) if noisy else picture

    def _walk(self, picture: NDArray[np.uint8], x: float, passer: Passer, heading: int) -> None:
        if not -60 < x < WIDTH + 60:
            return
        sprite = walker(passer.height, x / passer.height * 4.4 * heading, passer.dress, heading)
        shade(picture, x + passer.height * 0.12, passer.feet, passer.height * 0.26, passer.height * 0.05)
        lay_over(picture, sprite, x - sprite.shape[1] / 2, passer.feet - sprite.shape[0] + 1)

    def _drive(self, picture: NDArray[np.uint8], way: float, drive: Drive) -> None:
        left = way - drive.length if drive.heading > 0 else WIDTH - way
        if not -drive.length < left < WIDTH:
            return
        sprite = car(drive.length, drive.colour, way / (0.085 * drive.length), drive.heading)
        shade(picture, left + drive.length * 0.52, drive.wheels - 1, drive.length * 0.5, drive.length * 0.05)
        lay_over(picture, sprite, left, drive.wheels - sprite.shape[0])

    def _finish(self, picture: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
        """The light drifts slowly, and the sensor has noise of its own in every picture."""
        drift = 1 + 0.025 * math.sin(2 * math.pi * number / (ROUND_SECONDS * FPS))
        top, left = np.random.default_rng((self._seed, number)).integers(0, 64, 2)
        noise = self._noise[top : top + HEIGHT, left : left + WIDTH]
        lit: NDArray[np.uint8] = np.clip(picture * np.float32(drift) + noise, 0, 255).astype(np.uint8)
        return lit
