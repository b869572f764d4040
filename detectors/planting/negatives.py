"""What happens to every camera and is no event: a detector that tells of it cries wolf."""

from collections.abc import Callable, Sequence
from enum import StrEnum

import cv2
import numpy as np

from detectors.planting.scene import Picture

STARTS = 0.2  # of the footage stays as it is


class Nuisance(StrEnum):
    """What changes in the picture although nothing happens."""

    LIGHT_DRIFT = "light_drift"
    COMPRESSION = "compression"
    RAIN = "rain"
    SWAY = "sway"


COMPRESSED = 36  # x264's CRF: about a quarter of the bits


def disturbed(nuisance: Nuisance, pictures: Sequence[Picture], rate: float, seed: int) -> list[Picture]:
    """The footage (H, W, 3) BGR with the nuisance rising over it. COMPRESSION is left to the encoder."""
    chance = np.random.default_rng([seed, *nuisance.encode()])
    if nuisance is Nuisance.COMPRESSION:
        return list(pictures)
    change = {Nuisance.LIGHT_DRIFT: _light, Nuisance.RAIN: _rain, Nuisance.SWAY: _sway}[nuisance](chance)
    first = STARTS * len(pictures)
    out: list[Picture] = []
    for number, picture in enumerate(pictures):
        share = max(0.0, (number - first) / (len(pictures) - first))
        out.append(change(picture, number / rate, min(1.0, 4 * share), share) if share else picture)
    return out


Change = Callable[[Picture, float, float, float], Picture]  # picture, seconds, how much, how far along


def _light(chance: np.random.Generator) -> Change:
    """A cloud comes and goes: a fifth darker or brighter, and a little warmer or colder."""
    depth = float(chance.choice([-1, 1]) * chance.uniform(0.12, 0.22))
    tint = chance.uniform(-0.02, 0.02, 3)

    def change(picture: Picture, at: float, much: float, along: float) -> Picture:
        gain = 1 + 0.5 * (1 - np.cos(2 * np.pi * along)) * (depth + tint)
        lit: Picture = np.clip(np.rint(picture * gain), 0, 255).astype(np.uint8)
        return lit

    return change


def _rain(chance: np.random.Generator) -> Change:
    """Streaks that are new in every picture, and the noise of a dark day."""
    slant, many = float(chance.uniform(-0.2, 0.2)), int(chance.integers(40, 100))

    def change(picture: Picture, at: float, much: float, along: float) -> Picture:
        height, width = picture.shape[:2]
        drops = np.zeros((height, width), np.float32)
        for _ in range(round(many * much)):
            x, y, length = (
                int(chance.integers(width)),
                int(chance.integers(height)),
                int(chance.integers(6, 14)),
            )
            cv2.line(drops, (x, y), (x + round(slant * length), y + length), float(chance.uniform(8, 26)), 1)
        noise = chance.normal(0, 2.5 * much, (height, width)).astype(np.float32)
        wet = picture + (cv2.GaussianBlur(drops, (3, 3), 0) + noise)[..., None]
        return np.clip(np.rint(wet), 0, 255).astype(np.uint8)

    return change


def _sway(chance: np.random.Generator) -> Change:
    """The pole in the wind: a few thousandths of the picture's width to and fro."""
    hertz, phase = chance.uniform(0.4, 1.2, 2), chance.uniform(0, 2 * np.pi, 2)
    far = float(chance.uniform(0.0015, 0.003))

    def change(picture: Picture, at: float, much: float, along: float) -> Picture:
        height, width = picture.shape[:2]
        x, y = much * far * width * np.sin(2 * np.pi * hertz * at + phase) * (1.0, 0.4)
        move = np.array([[1, 0, x], [0, 1, y]], np.float32)
        return cv2.warpAffine(picture, move, (width, height), borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]

    return change
