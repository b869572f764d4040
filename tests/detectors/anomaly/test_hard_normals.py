"""Cells that are drawn instead of seen: where they lie, and what a threshold makes of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from daemon.evaluate_drawn import Rest, tried
from detectors.anomaly import learning
from detectors.anomaly.cells import Cells
from detectors.anomaly.hard_normals import DRAWN, drawn, scores, stress
from detectors.anomaly.method import Seen
from detectors.anomaly.normal import Normal
from detectors.anomaly.threshold import LIMIT
from detectors.device import limit_torch_threads
from tests.detectors.anomaly.street import RATE, frame, street

PICTURES = 100


def learned(began: float) -> Normal:
    method = Cells()
    seen = [Seen(method.view(street(began + n / RATE)), n / RATE, n == 0) for n in range(PICTURES)]
    return learning.learn(seen, lambda share: None, lambda: False)


@pytest.fixture(scope="module")
def two() -> tuple[Normal, Normal]:
    limit_torch_threads()
    return learned(0.0), learned(100.0)


def test_cells_are_drawn_where_and_as_they_are_seen_and_the_same_ones_again(
    two: tuple[Normal, Normal],
) -> None:
    model = two[0].expectation
    cells = drawn(model, PICTURES, 3000)
    again = drawn(model, PICTURES, 3000)
    assert np.array_equal(cells.values, again.values) and np.array_equal(cells.rows, again.rows)
    assert model.rarity[cells.rows, cells.cols].mean() < model.rarity.mean() - 0.1
    white = (cells.values - model.mean) @ model.whiten
    assert np.abs(white.mean(axis=0)).max() < 0.5
    assert 0.4 < white.std() < 1.3


def test_a_threshold_is_tried_by_what_another_stretch_draws(two: tuple[Normal, Normal]) -> None:
    judge, other = two
    told = stress(judge, other.expectation, 1.0, PICTURES)
    assert told == stress(judge, other.expectation, 1.0, PICTURES)
    assert told.drawn == DRAWN
    assert 0 < told.reached < 0.2 * DRAWN
    assert stress(judge, other.expectation, LIMIT + 1, PICTURES).reached == 0
    assert 1.0 <= told.highest <= LIMIT
    strange = drawn(other.expectation, PICTURES, 200)
    far = replace(strange, values=strange.values + 50)  # pixels a second faster, and all else
    assert scores(judge, far).min() > scores(judge, strange).max()


def test_evaluation_draws_from_what_was_not_learned_from(tmp_path: Path, two: tuple[Normal, Normal]) -> None:
    Cells().save(two[0], tmp_path / "1")
    rest, still = Rest(), Rest()
    for n in range(PICTURES):
        rest.add(frame(street(100.0 + n / RATE), n))
        still.add(frame(street(100.0), n))
    told = tried(tmp_path, rest, 1.0, lambda what, share: None)
    assert told is not None
    assert told["drawn"] == DRAWN
    assert told["reached"] == stress(two[0], two[1].expectation, 1.0, PICTURES).reached
