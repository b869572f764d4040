"""How likely a face is fake: the ratio of two kinds of clips, and how seldom chance reaches a threshold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.deepfake.likelihood import Clips, chance

CLIPS = Clips(real=0.0, fake=4.0, between=1.0, within=2.0)
numbers = st.floats(-50, 50)


@given(numbers, numbers, st.integers(1, 10_000))
def test_the_higher_the_mean_the_likelier_a_fake(one: float, other: float, crops: int) -> None:
    low, high = sorted((one, other))
    assert CLIPS.log_ratio(low, crops) <= CLIPS.log_ratio(high, crops)


def test_half_way_between_real_and_fake_nothing_is_said() -> None:
    assert CLIPS.log_ratio(2.0, 16) == 0
    assert chance(0.0) == 0.5


def test_crops_of_one_clip_prove_less_and_less() -> None:
    proof = [CLIPS.log_ratio(4.0, crops) for crops in (1, 10, 100, 100_000)]
    assert proof == sorted(proof)
    assert proof[-1] == pytest.approx(4.0 * 2.0 / 1.0, rel=1e-3)  # the spread between clips remains


def test_it_is_the_ratio_of_two_normal_distributions() -> None:
    def density(mean: float, about: float) -> float:
        variance = CLIPS.between + CLIPS.within / 8
        return math.exp(-((mean - about) ** 2) / 2 / variance)

    for mean in (-1.0, 0.5, 3.0, 6.0):
        assert CLIPS.log_ratio(mean, 8) == pytest.approx(math.log(density(mean, 4.0) / density(mean, 0.0)))


def test_however_long_real_faces_are_watched_few_ever_reach_the_threshold() -> None:
    """Ville's inequality, on clips as they were reckoned to be."""
    draw = np.random.default_rng(3)
    share = 0.02
    reached = 0
    for _ in range(2000):
        scores = draw.normal(0, math.sqrt(CLIPS.between)) + draw.normal(0, math.sqrt(CLIPS.within), 200)
        means = np.cumsum(scores) / np.arange(1, 201)
        ratios = [CLIPS.log_ratio(float(mean), count) for count, mean in enumerate(means, 1)]
        reached += max(ratios) >= -math.log(share)
    assert reached / 2000 <= share + 3 * math.sqrt(share / 2000)


def test_variances_are_found_again_in_clips_that_have_them() -> None:
    draw = np.random.default_rng(4)

    def drawn(about: float) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
        return [about + draw.normal(0, 1.5) + draw.normal(0, 0.7, 20) for _ in range(400)]

    found = Clips.of(drawn(-1.0), drawn(5.0))
    assert found.real == pytest.approx(-1.0, abs=0.3)
    assert found.fake == pytest.approx(5.0, abs=0.3)
    assert found.between == pytest.approx(1.5**2, rel=0.2)
    assert found.within == pytest.approx(0.7**2, rel=0.1)


def test_clips_of_a_single_crop_are_taken_as_they_are() -> None:
    found = Clips.of([np.array([each]) for each in (-1.0, 0.0, 1.0)], [np.array([3.0])])
    assert (found.real, found.fake, found.within) == (0.0, 3.0, 0.0)
    assert found.between == pytest.approx(1.0)


@given(st.floats(-1e6, 1e6))
def test_a_chance_is_a_chance(log_ratio: float) -> None:
    assert 0 <= chance(log_ratio) <= 1
