"""What looks like a fault and is none: ordinary things that happen before a camera, planted into clips."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.detectors.quality.clips import RATE, Picture
from tests.detectors.quality.planted import Plant

Light = NDArray[np.floating]


def dusk(pictures: Sequence[Picture], first: int, number: int) -> Picture:
    """Three tenths of the light are left after eight seconds, and they are a little bluer."""
    part = min(1.0, (number - first) / (8 * RATE))
    return _lit(pictures[number], (1 - 0.7 * part) * np.array([1 + 0.06 * part, 1, 1 - 0.06 * part]))


def drift(pictures: Sequence[Picture], first: int, number: int) -> Picture:
    """A cloud passes, and the white balance follows it."""
    wave = np.sin((number - first) / (2 * RATE))
    return _lit(pictures[number], (1 + 0.25 * wave) * np.array([1 - 0.04 * wave, 1, 1 + 0.04 * wave]))


def lamps(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """The lights go on."""
    return _lit(pictures[number], np.array([1.32, 1.4, 1.45]))


def _lit(picture: Picture, gain: Light) -> Picture:
    return np.asarray(np.clip(picture * gain, 0, 255), np.uint8)


def headlights(pictures: Sequence[Picture], first: int, number: int) -> Picture:
    """Two cars after one another turn towards the camera, each for two seconds."""
    picture = pictures[number]
    height, width = picture.shape[:2]
    down, right = np.mgrid[:height, :width]
    part = ((number - first) / RATE % 3) / 2
    if part > 1:
        return picture
    light = np.zeros((height, width))
    for side in (-1, 1):
        away = (
            np.hypot(right - (0.1 + 0.8 * part + 0.03 * side) * width, down - (0.5 + 0.2 * part) * height)
            / width
        )
        light += 500 * np.exp(-((away / 0.03) ** 2)) + 60 * np.exp(-away / 0.06)
    return np.asarray(np.clip(picture + light[..., None], 0, 255), np.uint8)


def rain(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """Streaks, others in every picture."""
    picture = pictures[number].astype(np.float32)
    height, width = picture.shape[:2]
    rng = np.random.default_rng(number)
    streaks = np.zeros((height, width), np.float32)
    for left, top in zip(rng.integers(0, width, 250), rng.integers(0, height, 250), strict=True):
        end = (int(left + width / 160), int(top + height / 15))
        cv2.line(streaks, (int(left), int(top)), end, float(rng.uniform(20, 60)), 1, cv2.LINE_AA)
    return np.asarray(np.clip(picture * 0.95 + streaks[..., None], 0, 255), np.uint8)


def swaying(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """A tree fills the left third and sways."""
    picture = pictures[number]
    height, width = picture.shape[:2]
    down, right = np.mgrid[:height, :width].astype(np.float32)
    near = np.clip(1.5 - right / (0.25 * width), 0, 1) * (1 - down / height)
    shift = near * width / 60 * (np.sin(0.7 * number) + 0.3 * np.sin(1.9 * number + down / 30))
    swayed = cv2.remap(
        picture, right + shift.astype(np.float32), down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(swayed, np.uint8)


def walker(pictures: Sequence[Picture], first: int, number: int) -> Picture:
    """Somebody walks past close by, a third of the picture wide, within three seconds, again and again."""
    picture = pictures[number].copy()
    height, width = picture.shape[:2]
    part = (number - first) / RATE % 4 / 3
    middle = round((1.5 * part - 0.25) * width)
    coat, skin = (52, 44, 40), (120, 140, 190)
    cv2.ellipse(picture, (middle, round(0.75 * height)), (width // 7, height // 2), 0, 0, 360, coat, -1)
    for fold in range(-3, 4):
        x = middle + fold * width // 28
        cv2.line(
            picture, (x, round(0.45 * height)), (x + width // 60, height), (70, 62, 60), max(1, width // 200)
        )
    cv2.circle(picture, (middle, round(0.22 * height)), width // 18, skin, -1)
    cv2.circle(picture, (middle, round(0.16 * height)), width // 18, (30, 35, 45), -1)
    return picture


def lorry(pictures: Sequence[Picture], first: int, number: int) -> Picture:
    """A white lorry drives in, stands for as long as the fault would last, and is in focus."""
    picture = pictures[number].copy()
    height, width = picture.shape[:2]
    front = round(min(1.0, (number - first) / RATE) * 0.42 * width)
    top, bottom = round(0.35 * height), round(0.85 * height)
    picture[top:bottom, :front] = (212, 214, 216)
    picture[bottom : bottom + height // 30, :front] = (40, 40, 40)
    cv2.rectangle(
        picture,
        (max(0, front - width // 8), top + 8),
        (max(0, front - 8), top + height // 6),
        (70, 60, 50),
        -1,
    )
    return picture


HARMLESS: dict[str, Plant] = {
    "dusk": dusk,
    "drift": drift,
    "lamps": lamps,
    "headlights": headlights,
    "rain": rain,
    "swaying": swaying,
    "walker": walker,
    "lorry": lorry,
}
