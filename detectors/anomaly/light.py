"""How a picture is lit against another one of the same scene: a cloud, a lamp, the camera's exposure."""

import numpy as np
from numpy.typing import NDArray

STEP = 16  # px between those that are asked: a few hundred tell it as well as all
CLIPPED = 250  # grey levels from which a pixel says nothing
ROUNDS = 3  # each without the pixels that do not fit the one before
OUTSIDE = 2.5  # deviations that make a pixel one of those
NEAR = 5.0  # grey levels: of two guesses to begin with, the better one has more pixels so near
ENOUGH = 0.75  # of the pixels as near without any gain: the light is steady, which it nearly always is
PLAIN = 4.0  # grey levels: where a scene differs less from itself, no gain can be told
DARKEST, BRIGHTEST = 1 / 3, 3.0  # times as bright: beyond that it is another scene
STEADY = 0.04  # a gain so near to 1 is noise, and what walks by: only the level is made up for


def exposure(now: NDArray[np.uint8], then: NDArray[np.float32]) -> tuple[float, float]:
    """How a picture (H, W) is lit against another: so many times as bright, and by so many grey levels more.

    By what most of the pixels say: what stands in front of the scene has no say.
    """
    lit, usual = now[::STEP, ::STEP].astype(np.float32), then[::STEP, ::STEP]
    told = (lit < CLIPPED) & (usual < CLIPPED)
    lit, usual = lit[told], usual[told]
    if not len(lit):
        return 1.0, 0.0
    change = lit - usual
    steady = 1.0, float(np.median(change))
    if np.count_nonzero(np.abs(change - steady[1]) < NEAR) >= ENOUGH * len(lit):
        return steady
    ratio = float(np.median((lit + 1) / (usual + 1)))
    gain, lift = max(
        (steady, (ratio, 0.0)), key=lambda guess: int((abs(lit - guess[0] * usual - guess[1]) < NEAR).sum())
    )
    for _ in range(ROUNDS):
        off = np.abs(lit - (gain * usual + lift))
        agree = off <= OUTSIDE * max(1.4826 * float(np.median(off)), 1.0)
        x, y = usual[agree], lit[agree]
        x, y, mean, level = x - x.mean(), y - y.mean(), float(x.mean()), float(y.mean())
        steep = (float(x @ y) + len(x) * PLAIN**2) / (float(x @ x) + len(x) * PLAIN**2)
        gain = min(max(steep, DARKEST), BRIGHTEST)
        lift = level - gain * mean
    return (gain, lift) if abs(gain - 1) > STEADY else steady
