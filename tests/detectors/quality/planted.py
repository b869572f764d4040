"""Faults planted into clips: each a function of the whole clip and the moment, so that it may look back."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from tests.detectors.quality.clips import RATE, Picture

# (pictures, number of the picture when it began, number of the picture) -> what the camera shows instead
Plant = Callable[[Sequence[Picture], int, int], Picture]

REPLAYED = 20.0  # seconds: how far back a looped picture comes from


def planted(pictures: Sequence[Picture], fault: Plant, begin: float, end: float) -> list[Picture]:
    """The pictures with a fault from one second to another."""
    first, last = round(begin * RATE), round(end * RATE)
    return [
        fault(pictures, first, number) if first <= number < last else picture
        for number, picture in enumerate(pictures)
    ]


def shown(fault: Plant, picture: Picture, number: int = 0) -> Picture:
    """One picture with a fault that needs no other pictures; `number` counts from its beginning."""
    return fault([picture] * (number + 1), 0, number)


def black(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    return np.zeros_like(pictures[number])


def frozen(pictures: Sequence[Picture], first: int, _number: int) -> Picture:
    return pictures[first]


def looped(pictures: Sequence[Picture], first: int, number: int) -> Picture:
    """The seconds before the fault, again and again."""
    length = min(first, round(REPLAYED * RATE))
    return pictures[first - length + (number - first) % length]


def defocused(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """A disc of confusion, as optics make it."""
    picture = pictures[number]
    across = picture.shape[1] // 36 | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across)).astype(np.float32)
    return np.asarray(cv2.filter2D(picture, -1, disc / disc.sum()), np.uint8)


def blurred(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """The whole picture drawn out in one direction, as by a long exposure on a camera that swings."""
    return _drawn_out(pictures[number], 20)


def blurred_aslant(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    return _drawn_out(pictures[number], 125)


def _drawn_out(picture: Picture, degrees: float) -> Picture:
    length = picture.shape[1] // 24 | 1
    line = np.zeros((length, length), np.float32)
    middle, reach = (
        length // 2,
        length / 2 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]),
    )
    ends = (middle + np.array([-reach, reach])).round().astype(int)
    cv2.line(line, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 1, 1, cv2.LINE_AA)
    return np.asarray(cv2.filter2D(picture, -1, line / line.sum()), np.uint8)


def covered(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """A hand close to the lens: skin, softly shaded, out of focus, and never quite still."""
    return _over(pictures[number], (0.45, 0.55), (0.55, 0.65), number)


def partly_covered(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """A leaf stuck to the left of the lens: a fifth of the picture."""
    return _over(pictures[number], (0.12, 0.5), (0.3, 0.42), 0)


def _over(picture: Picture, centre: tuple[float, float], radii: tuple[float, float], number: int) -> Picture:
    height, width = picture.shape[:2]
    shape = np.zeros((height, width), np.float32)
    middle = (round(width * centre[0] + 2 * np.sin(number)), round(height * centre[1]))
    cv2.ellipse(shape, middle, (round(width * radii[0]), round(height * radii[1])), 20, 0, 360, 1, -1)
    share = np.asarray(cv2.GaussianBlur(shape, (0, 0), width / 40), np.float32)[..., None]
    down, right = np.mgrid[:height, :width]
    skin = np.stack([60 + 40 * right / width, 80 + 50 * down / height, 130 + 40 * right / width], axis=-1)
    return np.asarray(picture * (1 - share) + skin * share, np.uint8)


def overexposed(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    return np.asarray(np.clip(pictures[number] * 2.2 + 40, 0, 255), np.uint8)


def underexposed(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    return np.asarray(pictures[number] * 0.08, np.uint8)


def glare(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """The low sun in the upper right: a clipped disc, its halo, and a veil over the whole picture."""
    picture = pictures[number]
    height, width = picture.shape[:2]
    down, right = np.mgrid[:height, :width]
    far = np.hypot(right - 0.72 * width, down - 0.25 * height) / width
    light = 40 + 600 * np.exp(-((far / 0.1) ** 2)) + 130 * np.exp(-far / 0.15)
    return np.asarray(np.clip(picture * 0.85 + light[..., None], 0, 255), np.uint8)


def noisy(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """A sensor whose gain went up."""
    picture = pictures[number]
    grain = np.random.default_rng(number).normal(0, 1, picture.shape)
    return np.asarray(np.clip(picture + grain * 18, 0, 255), np.uint8)


def tinted(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """The infrared filter is stuck: magenta over everything."""
    return np.asarray(np.clip(pictures[number] * np.array([1.05, 0.72, 1.15]), 0, 255), np.uint8)


def knocked(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    return np.roll(pictures[number], pictures[number].shape[1] // 16, axis=1)


def turned(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    return np.ascontiguousarray(pictures[number][::-1, ::-1])


def shaken(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """A mast in the wind, or a machine beside the camera: about a hundredth of the width to and fro."""
    picture = pictures[number]
    height, width = picture.shape[:2]
    swing = width / 100 * np.array([np.sin(2.1 * number), 0.7 * np.sin(2.9 * number + 1)])
    shift = np.array([[1, 0, swing[0]], [0, 1, swing[1]]], np.float32)
    return np.asarray(
        cv2.warpAffine(picture, shift, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def combed(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """Two fields, taken one after the other, woven into one picture."""
    picture = pictures[number].copy()
    picture[1::2] = pictures[max(0, number - 1)][1::2]
    return picture


def stretched(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """Columns repeated downwards from a line on, as after a lost slice."""
    smeared = pictures[number].copy()
    line = smeared.shape[0] * 11 // 20
    smeared[line:] = smeared[line]
    return smeared


def greyed(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """The grey of a decoder without a reference."""
    smeared = pictures[number].copy()
    smeared[smeared.shape[0] * 3 // 5 :] = 128
    return smeared


def greened(pictures: Sequence[Picture], _first: int, number: int) -> Picture:
    """The green of luma and chroma all zero."""
    smeared = pictures[number].copy()
    smeared[smeared.shape[0] * 3 // 5 :] = (0, 135, 0)
    return smeared


FAULTS: dict[str, tuple[str, Plant]] = {
    "black": ("black", black),
    "frozen": ("frozen", frozen),
    "looped": ("looped", looped),
    "defocused": ("defocused", defocused),
    "blurred": ("blurred", blurred),
    "blurred_aslant": ("blurred", blurred_aslant),
    "covered": ("covered", covered),
    "partly_covered": ("covered", partly_covered),
    "overexposed": ("overexposed", overexposed),
    "underexposed": ("underexposed", underexposed),
    "glare": ("glare", glare),
    "noisy": ("noisy", noisy),
    "tinted": ("tinted", tinted),
    "knocked": ("moved", knocked),
    "turned": ("moved", turned),
    "shaken": ("shaken", shaken),
    "combed": ("combed", combed),
    "stretched": ("smeared", stretched),
    "greyed": ("smeared", greyed),
    "greened": ("smeared", greened),
}
