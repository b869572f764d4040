"""How noisy a picture is, from its flattest places: without a reference, in a few milliseconds.

The diagonal Haar detail holds little but noise (Donoho and Johnstone, Biometrika 1994), and where a picture
is flat, nothing else. It is taken at three scales: noise that a camera or a codec has smoothed is gone from
the finest and still there in the next. By brightness it gives the line that a sensor's noise follows (Foi
et al., Practical Poissonian-Gaussian noise modeling, IEEE TIP 2008).
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.denoising.noise import Noise, Picture

Floats = NDArray[np.float32]

BLOCK: Final = 8  # details on each side of a block
FLAT: Final = 0.2  # share of the blocks of one brightness that are flat
BINS: Final = 6  # of brightness, with as many blocks in each
LEAST: Final = 12  # blocks of a bin
DARK, BRIGHT = 6.0, 247.0  # grey levels beyond which noise is cut off
HALF_NORMAL: Final = float(np.sqrt(np.pi / 2))  # standard deviation of a Gaussian, by its mean absolute value
CHOSEN: Final = 1.12  # the flattest blocks are also those that noise has spared
# What each scale holds of a pixel's variance, if all three details of a scale are as strong as the diagonal.
SHARES: Final = (3 / 4, 3 / 16, 1 / 16)
MOST_GRAIN: Final = 3.0
WHITE: Final = 0.3  # octaves of grain that white noise shows by chance
SMOOTHED: Final = 0.5  # by how much a deviation is larger than it looks, for each octave above


def estimate(picture: Picture) -> Noise:
    """Of any size; one too small, too dark or too bright to tell is said to have none."""
    plane = picture[..., 1].astype(np.float32)  # green, which is most of what is seen
    strengths = []
    for scale in range(len(SHARES)):
        if scale:
            plane = _halved(plane)
        strengths.append(_by_brightness(plane, 2.0**scale))
    if not len(strengths[0]):
        return Noise(0.0)
    brightness = strengths[0][:, 0]
    variances = [
        np.interp(brightness, one[:, 0], one[:, 1] ** 2) if len(one) else np.zeros_like(brightness)
        for one in strengths
    ]
    total = sum(share * one for share, one in zip(SHARES, variances, strict=True))
    grain = _grain(variances)
    # The other two details of smoothed noise are stronger than the diagonal one.
    more = (1 + SMOOTHED * max(0.0, grain - WHITE)) ** 2
    shot, floor = _line(brightness / 255, more * np.asarray(total) / 255**2)
    return Noise(read=float(np.sqrt(floor)), shot=shot, grain=grain)


def _halved(plane: Floats) -> Floats:
    """Each 2 x 2 pixels as one, their mean."""
    height, width = (side // 2 * 2 for side in plane.shape)
    return cv2.resize(plane[:height, :width], (width // 2, height // 2), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _by_brightness(plane: Floats, gain: float) -> NDArray[np.float64]:
    """(bins, 2) brightness and standard deviation of noise, both in grey levels, the darkest first.

    `gain`: what a mean of several pixels has to be multiplied with for white noise to be as strong in it.
    """
    step = 2 * BLOCK
    rows, cols = plane.shape[0] // step, plane.shape[1] // step
    if not rows or not cols:
        return np.empty((0, 2))
    inside = plane[: rows * step, : cols * step]
    top, bottom = inside[0::2], inside[1::2]
    detail = np.abs(top[:, 0::2] - top[:, 1::2] - bottom[:, 0::2] + bottom[:, 1::2])
    strength = cv2.resize(detail, (cols, rows), interpolation=cv2.INTER_AREA).ravel()
    strength = strength * (gain * HALF_NORMAL / 2)
    bright = cv2.resize(inside, (cols, rows), interpolation=cv2.INTER_AREA).ravel()
    told = (bright > DARK) & (bright < BRIGHT)
    strength, bright = strength[told], bright[told]
    if not len(bright):
        return np.empty((0, 2))
    order = np.argsort(bright, kind="stable")
    found = []
    for some in np.array_split(order, max(1, min(BINS, len(order) // LEAST))):
        flat = some[np.argsort(strength[some], kind="stable")[: max(1, round(FLAT * len(some)))]]
        found.append((float(bright[flat].mean()), CHOSEN * float(strength[flat].mean())))
    return np.array(sorted(found))


def _line(brightness: NDArray[np.floating], variance: NDArray[np.floating]) -> tuple[float, float]:
    """Slope and height of the line through variances (bins,), neither below 0, by least squares."""
    spread = brightness - brightness.mean()
    slope = float((spread * variance).sum() / max(float((spread**2).sum()), 1e-6))
    slope = max(0.0, slope)
    floor = float(variance.mean()) - slope * float(brightness.mean())
    if floor < 0:
        floor, slope = 0.0, float((brightness * variance).sum() / max(float((brightness**2).sum()), 1e-6))
    return slope, floor


def _grain(variances: Sequence[NDArray[np.floating]]) -> float:
    """How much stronger, in octaves, the second scale is than the first: 0 for white noise."""
    fine, coarse = (float(np.sqrt(one.mean())) for one in variances[:2])
    if coarse < 0.5:  # grey levels
        return 0.0
    return min(MOST_GRAIN, max(0.0, float(np.log2(coarse / max(fine, 1e-3)))))
