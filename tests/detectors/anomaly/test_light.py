"""How a picture is lit against the scene is told by most of its pixels, and not by what stands before it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.anomaly.light import CLIPPED, STEADY, exposure


def scene(seed: int = 0) -> NDArray[np.float32]:
    chance = np.random.default_rng(seed)
    return np.repeat(np.repeat(chance.uniform(20, 200, (15, 20)), 16, axis=0), 16, axis=1).astype(np.float32)


def seen(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


@given(st.floats(0.6, 1.4), st.floats(-10, 20), st.integers(0, 50))
def test_gain_and_level_are_told_although_a_third_of_the_picture_is_covered(
    gain: float, lift: float, seed: int
) -> None:
    empty = scene(seed)
    now = seen(gain * empty + lift)
    now[:, :100] = 70
    told, raised = exposure(now, empty)
    rest = empty[:, 100:]
    clear = (gain * rest + lift < CLIPPED) & (gain * rest + lift > 0)
    off = np.abs(told * rest + raised - (gain * rest + lift))[clear]
    assert np.quantile(off, 0.9) < 0.5 * STEADY * 255


def test_a_small_gain_is_taken_for_who_walks_by_and_a_level_is_not() -> None:
    gain, lift = exposure(seen(scene() * (1 + STEADY / 2) + 9), scene())
    assert gain == 1
    assert lift == pytest.approx(9 + 0.02 * 110, abs=1.5)
    crowded = seen(scene() * (1 + STEADY / 2) + 9)
    crowded[:, :100] = 70
    gain, lift = exposure(crowded, scene())
    assert gain == 1
    assert lift == pytest.approx(9 + 0.02 * 110, abs=8), "what stands in front has a little say in a median"


def test_a_picture_that_is_all_white_or_plain_says_nothing_of_a_gain() -> None:
    white = np.full((240, 320), 255, np.uint8)
    assert exposure(white, scene()) == (1.0, 0.0)
    grey = np.full((240, 320), 90, np.uint8)
    assert exposure(grey, grey.astype(np.float32) - 20) == (1.0, 20.0)
