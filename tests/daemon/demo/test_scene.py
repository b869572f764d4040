"""The drawn street: the same every time, alive, and with its events where they belong."""

from itertools import islice, pairwise

import numpy as np
import pytest

from daemon.demo.scene import FPS, HALF_SECONDS, Scene


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def test_the_same_seed_draws_the_same_pictures_and_another_seed_others(scene: Scene) -> None:
    again, other = Scene(), Scene(seed=8)
    for mine, same, different in islice(
        zip(scene.normal(1), again.normal(1), other.normal(1), strict=True), 3
    ):
        assert mine.shape == (360, 640, 3) and mine.dtype == np.uint8
        assert np.array_equal(mine, same)
        assert not np.array_equal(mine, different)


def test_the_round_closes_where_it_began(scene: Scene) -> None:
    """The step over the seam is as small as any other step: nothing jumps."""
    first, second = list(scene.normal(0)), list(scene.normal(1))
    assert len(first) == len(second) == HALF_SECONDS * FPS

    def step(a: np.ndarray, b: np.ndarray) -> float:
        return float((np.abs(a.astype(int) - b).max(axis=2) > 25).mean())

    steps = [step(a, b) for a, b in pairwise(first)]
    assert 0.0005 < np.median(steps) < 0.05, "people, cars and trees move, the houses do not"
    assert step(second[-1], first[0]) < 1.15 * steps[0]
    assert step(first[-1], second[0]) < 1.15 * steps[-1]


def test_the_intruder_is_on_the_grass_where_else_nobody_is(scene: Scene) -> None:
    number = 5 * FPS
    usual, strange = (next(islice(each, number, None)) for each in (scene.normal(0), scene.intruder()))
    changed = np.abs(usual.astype(int) - strange).max(axis=2) > 25
    assert 0.005 < changed.mean() < 0.05
    rows, columns = np.nonzero(changed)
    assert rows.max() > 345, "the feet are on the grass"
    assert np.ptp(columns) < 150, "and it is one figure"


def test_cars_that_drive_the_wrong_way_are_elsewhere_and_the_rest_is_the_same(scene: Scene) -> None:
    number = 3 * FPS
    usual, strange = (next(islice(each, number, None)) for each in (scene.normal(0), scene.wrong_way()))
    changed = np.abs(usual.astype(int) - strange).max(axis=2) > 25
    assert changed[250:325].mean() > 0.05
    assert changed[:240].mean() < 0.001
