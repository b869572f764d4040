"""Events planted into real footage, to measure what a detector that learned from that footage makes of them.

They show whether an alarm is raised, and never set a threshold: what is drawn is no false alarm.
"""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Paint = Callable[[Picture, float], None]  # changes a picture, so many seconds after the event began

BEGINS = 0.3  # of the footage
LASTS = 6.0  # seconds


def planted(pictures: list[Picture], rate: float) -> Iterator[tuple[str, list[Picture], Flags]]:
    """Each event's name, the footage with it, and in which pictures it can be seen."""
    for name, paint in _events(*pictures[0].shape[:2]).items():
        first = int(len(pictures) * BEGINS)
        end = min(len(pictures), first + int(LASTS * rate))
        changed = list(pictures)
        seen = np.zeros(len(pictures), bool)
        for index in range(first, end):
            picture = pictures[index].copy()
            paint(picture, (index - first) / rate)
            changed[index] = picture
            seen[index] = bool((picture != pictures[index]).any())
        yield name, changed, seen


def _events(height: int, width: int) -> dict[str, Paint]:
    tall, slim = height // 6, width // 16
    body = _texture(tall, slim, seed=1)
    box = _texture(height // 9, width // 12, seed=2)
    lorry = _texture(height // 3, width // 3, seed=3)
    faint = np.full_like(box, 0)

    def fast(picture: Picture, at: float) -> None:
        _paste(picture, body, 0.5 * at % 1.1, 0.55)

    def upwards(picture: Picture, at: float) -> None:
        _paste(picture, body, 0.45, 0.9 - 0.25 * at % 1.0)

    def left_behind(picture: Picture, at: float) -> None:
        _paste(picture, box, 0.5, 0.6)

    def low_contrast(picture: Picture, at: float) -> None:
        _paste(picture, faint, 0.5, 0.6, strength=0.25)

    def large(picture: Picture, at: float) -> None:
        _paste(picture, lorry, 0.05 + 0.1 * at, 0.5)

    def flicker(picture: Picture, at: float) -> None:
        if int(at * 1000 / 170) % 2:
            _paste(picture, np.full_like(box, 255), 0.3, 0.5, strength=0.5)

    return {
        "fast": fast,
        "unusual_way": upwards,
        "left_behind": left_behind,
        "low_contrast": low_contrast,
        "large": large,
        "flicker": flicker,
    }


def _texture(height: int, width: int, seed: int) -> Picture:
    """A patch of soft blotches in three colours, as no wall or coat looks."""
    noise = np.random.default_rng(seed).uniform(0, 255, (height // 4 + 2, width // 4 + 2, 3)).astype(np.uint8)
    patch: Picture = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
    return patch


def _paste(picture: Picture, patch: Picture, left: float, top: float, strength: float = 1.0) -> None:
    """Puts a patch's upper left corner at shares of the picture; what lies outside is cut off."""
    height, width = picture.shape[:2]
    x, y = round(left * width), round(top * height)
    right, bottom = min(width, x + patch.shape[1]), min(height, y + patch.shape[0])
    cut_x, cut_y = max(0, -x), max(0, -y)
    x, y = max(0, x), max(0, y)
    if right <= x or bottom <= y:
        return
    there = picture[y:bottom, x:right].astype(np.float32)
    new = patch[cut_y : cut_y + bottom - y, cut_x : cut_x + right - x].astype(np.float32)
    picture[y:bottom, x:right] = np.clip(there + strength * (new - there), 0, 255).astype(np.uint8)
