"""From block maxima to a threshold: monotone, invertible, and on the safe side where little was seen."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.anomaly.threshold import BLOCK, LIMIT, fit_tail, threshold_for, typical

MAXIMA = st.lists(st.floats(0, 5), min_size=1, max_size=200)


@given(MAXIMA, st.floats(0, 10), st.floats(0.01, 5))
def test_a_higher_score_is_never_less_surprising(maxima: list[float], raw: float, more: float) -> None:
    tail = fit_tail(np.array(maxima))
    assert 0 <= tail.surprise(raw) <= tail.surprise(raw + more) < math.inf


@given(MAXIMA, st.floats(0.05, 11.99))
def test_surprise_and_raw_score_undo_each_other(maxima: list[float], surprise: float) -> None:
    tail = fit_tail(np.array(maxima))
    assert tail.surprise(tail.raw(surprise)) == pytest.approx(surprise, rel=1e-6)


def test_of_two_that_are_outlandish_the_rarer_one_still_scores_higher() -> None:
    tail = fit_tail(np.array([0.4, 0.5, 0.6]))
    surprises = [tail.surprise(raw) for raw in (5, 10, 30, 100)]
    assert surprises[0] > 10
    assert surprises == sorted(set(surprises))
    assert surprises[-1] < LIMIT


def test_what_is_rarer_than_is_ever_told_is_out_of_reach() -> None:
    assert fit_tail(np.array([0.4, 0.5])).raw(1e9) == math.inf


def test_the_threshold_is_the_budget_in_blocks() -> None:
    assert threshold_for(1.0) == pytest.approx(math.log10(86_400 / BLOCK))
    assert threshold_for(100.0) < threshold_for(1.0) < threshold_for(0.1)


@pytest.mark.parametrize("blocks", [30, 100, 1000])
def test_fewer_false_alarms_come_than_the_budget_allows(blocks: int) -> None:
    """Exponential squares, which are the tail that is believed in: seen for a while, then for a year."""
    chance = np.random.default_rng(3)
    allowed = 0.01  # of blocks
    rates = []
    for _ in range(50):
        tail = fit_tail(np.sqrt(0.3 + chance.exponential(0.1, blocks)))
        year = np.sqrt(0.3 + chance.exponential(0.1, 20_000))
        rates.append(np.mean(year > tail.raw(-math.log10(allowed))))
    assert np.mean(rates) < allowed


def test_less_footage_is_believed_less() -> None:
    chance = np.random.default_rng(0)
    maxima = np.sqrt(0.3 + chance.exponential(0.05, 2000))
    assert fit_tail(maxima[:10]).raw(4.6) > fit_tail(maxima[:100]).raw(4.6) > fit_tail(maxima).raw(4.6)


def test_a_single_block_gives_a_threshold() -> None:
    tail = fit_tail(np.array([0.4]))
    assert 0 < tail.raw(threshold_for(1.0)) < math.inf


def test_one_wild_block_is_left_out_but_a_wild_camera_is_not() -> None:
    calm = np.full(30, 0.5)
    odd = np.append(calm, 5.0)
    assert not typical(odd)[-1]
    assert typical(odd)[:-1].all()
    assert typical(np.append(calm, np.full(10, 4.0))).all()
