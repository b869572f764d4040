"""The empty scene as a picture."""

import numpy as np

from detectors.anomaly.expected import pictured
from detectors.anomaly.features import shrink


def test_an_even_colour_comes_back_in_the_size_of_the_picture() -> None:
    colour = (40, 120, 200)
    shown = np.full((100, 150, 3), colour, np.uint8)
    small = shrink(shown)
    expected = pictured(small.grey.astype(np.float32), small.colour, small)
    assert expected.shape == shown.shape
    assert np.abs(expected.astype(int) - colour).max() <= 2
