"""Region and track criteria on regions drawn by hand."""

import math

import numpy as np
import pytest

from detectors.regions import criteria


def clip(*boxes: tuple[int, int, int, int, int]) -> np.ndarray:
    """(10, 40, 40) with boxes of (picture, top, bottom, left, right)."""
    drawn = np.zeros((10, 40, 40))
    for number, top, bottom, left, right in boxes:
        drawn[number, top:bottom, left:right] = 1
    return drawn


WALK = [(number, 10, 20, 2 * number, 2 * number + 8) for number in range(10)]


def test_what_is_found_exactly_is_found_wholly() -> None:
    found = criteria([clip(*WALK)], [clip(*WALK) > 0])
    assert (found.rbdc, found.tbdc) == (1.0, 1.0)


def test_a_map_that_shows_nothing_of_it_finds_nothing() -> None:
    elsewhere = [(number, 30, 38, 20, 30) for number in range(10)]
    found = criteria([clip(*elsewhere)], [clip(*WALK) > 0])
    assert (found.rbdc, found.tbdc) == (0.0, 0.0)


def test_a_fifth_of_its_regions_makes_a_track() -> None:
    found = criteria([clip(*WALK[:2])], [clip(*WALK) > 0])
    assert found.rbdc == pytest.approx(0.2, abs=0.01)
    assert found.tbdc == 1.0


def test_false_regions_cost() -> None:
    scores = clip(*WALK)
    scores[:, 30:36, 30:36] = 2.0  # stands above the true ones in every picture: one false region each
    found = criteria([scores], [clip(*WALK) > 0])
    assert found.rbdc < 0.02
    quiet = clip(*WALK)
    quiet[:5, 30:36, 30:36] = 2.0
    assert 0.45 < criteria([quiet], [clip(*WALK) > 0]).rbdc < 0.8


def test_without_any_region_there_is_no_figure() -> None:
    assert math.isnan(criteria([clip(*WALK)], [clip() > 0]).rbdc)
