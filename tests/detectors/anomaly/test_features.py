"""What cells say: speeds by the second and not by the picture, and nothing about a quiet picture."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.anomaly.features import NAMES, Observer, Past, Recent, Small, empty_scene, shrink

SPEED = NAMES.index("speed")
SIDEWAYS = NAMES.index("sideways")


def scene(x: float | None, width: int = 320, height: int = 176) -> NDArray[np.uint8]:
    rng = np.random.default_rng(1)
    picture: NDArray[Any] = cv2.resize(rng.uniform(90, 110, (9, 16, 3)).astype(np.float32), (width, height))
    if x is not None:
        coat: NDArray[Any] = np.random.default_rng(2).uniform(150, 255, (10, 8, 3)).astype(np.float32)
        coat = cv2.resize(coat, (40, 48), interpolation=cv2.INTER_CUBIC)
        move = np.array([[1, 0, x], [0, 1, 60]], np.float32)
        cv2.warpAffine(coat, move, (width, height), picture, borderMode=cv2.BORDER_TRANSPARENT)
    shown: NDArray[np.uint8] = np.clip(picture, 0, 255).astype(np.uint8)
    return shown


def observer() -> Observer:
    return observer_of(shrink(scene(None)))


def observer_of(small: Small) -> Observer:
    return Observer(empty_scene(np.stack([small.grey] * 3), np.stack([small.colour] * 3)))


def alone(small: Small, gap: float) -> Past:
    """The same picture for both gaps."""
    return Past(small, small, gap)


@pytest.mark.parametrize("gap", [0.1, 0.2, 0.3])
@pytest.mark.parametrize("speed", [-48.0, 48.0])
def test_speed_is_measured_by_the_second(gap: float, speed: float) -> None:
    cells = observer().describe(shrink(scene(120 + speed * gap)), alone(shrink(scene(120)), gap), gap)
    whole = cells.values[cells.values[:, NAMES.index("cover")] > 0.95]
    assert len(whole) >= 4
    assert np.median(whole[:, SPEED]) == pytest.approx(abs(speed) / 320, rel=0.2)
    assert np.median(whole[:, SIDEWAYS]) == pytest.approx(speed / 320, rel=0.2)


def test_a_quiet_picture_has_no_cells() -> None:
    assert len(observer().describe(shrink(scene(None)), alone(shrink(scene(None)), 0.2), 0.2).rows) == 0


def test_a_change_of_exposure_is_nothing_in_front_of_the_background() -> None:
    brighter = np.clip(scene(None).astype(int) + 25, 0, 255).astype(np.uint8)
    assert len(observer().describe(shrink(brighter), alone(shrink(scene(None)), 0.2), 0.2).rows) == 0


@pytest.mark.parametrize("gain", [0.7, 1.25])
def test_a_cloud_and_the_cameras_gain_are_nothing_either_and_who_walks_is_still_seen(gain: float) -> None:
    def lit(x: float | None) -> Small:
        stripes = np.where(np.arange(320) // 40 % 2, 1.0, 0.5)[:, None]  # bright and dark parts
        return shrink(np.clip(scene(x) * stripes * gain, 0, 255).astype(np.uint8))

    dim = observer_of(
        shrink((scene(None) * np.where(np.arange(320) // 40 % 2, 1.0, 0.5)[:, None]).astype(np.uint8))
    )
    assert len(dim.describe(lit(None), alone(lit(None), 0.2), 0.2).rows) == 0
    assert len(dim.describe(lit(120), alone(lit(110), 0.2), 0.2).rows) > 10
    before = dim.background.grey.copy()
    for _ in range(60):
        dim.follow(lit(None), 0.2)
    assert np.abs(dim.background.grey - before).max() < 6, "what is made up for is not followed, too"


@pytest.mark.parametrize("shape", [(48, 64), (1, 1), (360, 640), (480, 640), (1080, 100), (61, 67)])
def test_every_size_is_made_small_in_whole_cells(shape: tuple[int, int]) -> None:
    small = shrink(np.zeros((*shape, 3), np.uint8))
    assert small.grey.shape[0] % 8 == small.grey.shape[1] % 8 == 0
    assert max(small.grey.shape) <= 328
    assert min(small.grey.shape) >= 64
    assert small.colour.shape == (small.grey.shape[0] // 8, small.grey.shape[1] // 8, 2)


def test_flow_compares_with_the_picture_about_a_third_of_a_second_ago() -> None:
    small, recent = shrink(scene(None)), Recent()
    gaps = [pair[1] if (pair := recent.past(small, number / 10)) else None for number in range(8)]
    assert gaps[0] is None
    assert gaps[4:] == pytest.approx([0.3] * 4)


def test_what_is_fast_is_compared_over_a_tenth_of_a_second() -> None:
    """A runner far from where he was three pictures ago still has his speed, and covers new ground."""
    recent, watcher = Recent(), observer()
    for number in range(5):
        now = shrink(scene(20 + 18.0 * number))
        pair = recent.past(now, number / 10)
    assert pair is not None
    assert pair[1] == pytest.approx(0.3)
    assert pair[0].near_gap == pytest.approx(0.1)
    cells = watcher.describe(now, *pair)
    whole = cells.values[cells.values[:, NAMES.index("cover")] > 0.95]
    assert np.median(whole[:, NAMES.index("quick")]) == pytest.approx(180 / 320, rel=0.25)
    standing = watcher.describe(now, alone(now, 0.1), 0.1)
    arriving = NAMES.index("arriving")
    assert cells.values[:, arriving].max() > 2
    assert standing.values[:, arriving].max() == 0


def test_time_that_runs_backwards_is_another_footage() -> None:
    small, recent = shrink(scene(None)), Recent()
    recent.past(small, 5.0)
    assert recent.past(small, 1.0) is None
    assert recent.past(small, 1.2) is not None


def test_what_stays_is_taken_into_the_background_slowly_and_light_at_once() -> None:
    watcher = observer()
    placed, lighter = (
        shrink(scene(120)),
        shrink(np.clip(scene(None).astype(int) + 8, 0, 255).astype(np.uint8)),
    )
    for _ in range(60):
        watcher.follow(lighter, 0.2)
    assert abs(float(np.median(watcher.background.grey - lighter.grey))) < 1.5
    for _ in range(60):
        watcher.follow(placed, 0.2)
    assert len(watcher.describe(placed, alone(placed, 0.2), 0.2).rows) > 10
