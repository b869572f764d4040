"""A small drawn street in front of a fixed camera, with noise, walkers, and somebody who does not belong."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streams.frame import Frame

RATE = 5.0  # pictures a second
HEIGHT, WIDTH = 108, 192
START = datetime(2026, 5, 1, 12, tzinfo=UTC)
Picture = NDArray[np.uint8]


def street(second: float, *, intruder: bool = False, wrong_way: bool = False) -> Picture:
    """What the camera sees at a moment; the same moment always looks the same."""
    still = np.random.default_rng(5)
    wall = cv2.resize(still.uniform(60, 180, (12, 20, 3)).astype(np.float32), (WIDTH, HEIGHT))
    picture = wall.copy()
    for start, speed, line in ((0, 22, 74), (70, 26, 80), (140, 19, 77), (30, 24, 72)):
        x = (start + speed * second) % (WIDTH + 40) - 20
        if wrong_way:
            x = WIDTH - x
        _person(picture, x, line, 20, (60 + start / 2, 50, 140 - start / 2))
    if intruder:
        _person(picture, WIDTH + 20 - 45 * (second % 5), 50, 46, (30, 200, 220))
    noise = np.random.default_rng(round(second * 1000)).normal(0, 2, picture.shape)
    drawn: Picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    return drawn


def _person(picture: NDArray[Any], x: float, feet: int, tall: int, coat: tuple[float, ...]) -> None:
    wide = tall // 4
    cv2.ellipse(picture, (round(x), feet - tall // 2), (wide, tall // 2), 0, 0, 360, coat, -1)
    cv2.circle(picture, (round(x), feet - tall), wide, (120, 150, 190), -1)


def frame(
    picture: Picture,
    number: int,
    *,
    position: float | None = None,
    live: bool = False,
    fresh: bool | None = None,
    damaged: bool = False,
    stream: str = "gate",
) -> Frame:
    """A picture as the number-th frame of a stream at RATE."""
    at = number / RATE if position is None else position
    picture.flags.writeable = False
    return Frame(
        stream=stream,
        number=number,
        picture=picture,
        captured_at=START + timedelta(seconds=at),
        captured=at,
        position=at,
        live=live,
        damaged=damaged,
        fresh=number == 0 if fresh is None else fresh,
    )


def footage(
    first: float, seconds: float, *, intruder: bool = False, wrong_way: bool = False
) -> Iterator[Frame]:
    """Frames from a moment on, for so many seconds, of one unbroken connection."""
    begin = round(first * RATE)
    for number in range(begin, begin + round(seconds * RATE)):
        yield frame(street(number / RATE, intruder=intruder, wrong_way=wrong_way), number)
