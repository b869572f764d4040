"""What lies in shared memory becomes the picture that was decoded: colours, padding, turns."""

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streams.message import Picture
from streams.pixels import bytes_of, coloured, well_formed

COLOURS = ((200, 40, 40), (40, 200, 40), (40, 40, 200), (128, 128, 128))


def told(width: int, height: int, stride: int, *, planar: bool, turns: int = 0) -> Picture:
    return Picture(
        slot=0, width=width, height=height, planar=planar, stride=stride, turns=turns, position=0.0,
        captured=0.0, late=0.0, keyframe=True, damaged=False, fresh=True,
    )  # fmt: skip


def four_colours(width: int, height: int) -> NDArray[np.uint8]:
    """One in each quarter."""
    picture = np.zeros((height, width, 3), np.uint8)
    for number, colour in enumerate(COLOURS):
        top, left = number // 2 * height // 2, number % 2 * width // 2
        picture[top : top + height // 2, left : left + width // 2] = colour
    return picture


@pytest.mark.parametrize("padding", [0, 32])
@pytest.mark.parametrize("turns", [0, 1, 3])
def test_planes_are_seen_as_they_were_filmed(padding: int, turns: int) -> None:
    wanted = four_colours(128, 96)
    planes = av.VideoFrame.from_ndarray(wanted, "bgr24").reformat(format="yuv420p").planes
    light, *colours = (np.array(memoryview(each)).reshape(each.height, each.line_size) for each in planes)
    assert light.shape == (96, 128) and {each.shape for each in colours} == {(48, 64)}
    padded = [np.pad(light, ((0, 0), (0, padding)))]
    padded += [np.pad(each, ((0, 0), (0, padding // 2))) for each in colours]
    lying = np.concatenate([each.ravel() for each in padded]).astype(np.uint8)
    picture = told(128, 96, 128 + padding, planar=True, turns=turns)
    assert well_formed(picture) and bytes_of(picture) == len(lying)
    seen = coloured(lying, picture)
    upright = np.rot90(wanted, turns)
    assert seen.shape == upright.shape and seen.flags.c_contiguous
    apart = np.abs(seen.astype(int) - upright)
    assert np.median(apart) <= 3 and (apart > 12).mean() < 0.03  # colours are half as fine


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 9))
def test_rows_side_by_side_lose_their_padding_and_nothing_else(width: int, height: int, padding: int) -> None:
    wanted = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    rows = np.pad(wanted.reshape(height, 3 * width), ((0, 0), (0, padding)))
    picture = told(width, height, 3 * width + padding, planar=False)
    assert well_formed(picture) and bytes_of(picture) == rows.size
    seen = coloured(rows.ravel(), picture)
    assert (seen == wanted).all()
    rows[:] = 0
    assert (seen == wanted).all(), "it is a copy: the slot goes back to the child"
