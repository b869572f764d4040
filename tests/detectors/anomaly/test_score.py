"""What makes a cell odd: its looks, altogether and one by one, and where it is."""

import numpy as np
import pytest

from detectors.anomaly.features import NAMES, Cells
from detectors.anomaly.normal import NETWORK
from detectors.anomaly.score import EDGE, GROUPS, Expectation
from detectors.diffusion.edm import Denoiser, Perceptron

ROWS, COLS = 20, 30


def expectation(places: float = 1.0) -> Expectation:
    """Of cells that are Gaussian: that is what an untrained network takes them for. Nothing was ever seen."""
    every = np.ones((ROWS, COLS), np.float32)
    denoiser = Denoiser(Perceptron(**NETWORK)).requires_grad_(False)
    count = len(NAMES)
    return Expectation(
        np.zeros(count, np.float32), np.eye(count, dtype=np.float32), denoiser, every, places * every
    )


def cells(row: int = 10, col: int = 15, **values: float) -> Cells:
    """One cell that is ordinary but for some of its features, which are so many deviations away."""
    seen = np.array([[values.get(name, 0.0) for name in NAMES]], np.float32)
    return Cells(np.array([row]), np.array([col]), seen)


def test_three_deviations_in_one_thing_score_one() -> None:
    assert expectation().odd_looks(cells(speed=3)) == pytest.approx(1, rel=1e-3)
    assert expectation().odd_looks(cells(speed=6)) == pytest.approx(2, rel=1e-3)


def test_as_far_away_in_one_thing_is_odder_than_in_a_little_of_everything() -> None:
    little = cells()
    little.values[0, [NAMES.index(group[0]) for group in GROUPS]] = 3 / len(GROUPS) ** 0.5
    assert 0.6 < expectation().odd_looks(little)[0] < 0.9
    of_one_kind = cells(blue=3 / 2**0.5, red=3 / 2**0.5)
    assert expectation().odd_looks(of_one_kind) == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("place", [(0, 15), (ROWS - 1, 15), (10, 0), (10, COLS - 1), (EDGE - 1, EDGE)])
def test_no_place_counts_as_rare_at_the_border_where_people_come_in(place: tuple[int, int]) -> None:
    there, inside = cells(*place, cover=1, speed=3), cells(EDGE, EDGE, cover=1, speed=3)
    assert expectation().rareness(there) == 0
    assert expectation().oddness(there) == expectation().odd_looks(there)
    assert expectation().oddness(inside) > 5 * expectation().odd_looks(inside)


def test_a_restless_place_counts_for_less() -> None:
    one = cells(speed=3)
    assert expectation(2.0).strangeness(one) == pytest.approx(expectation().strangeness(one) / 2)
