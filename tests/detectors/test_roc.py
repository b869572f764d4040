"""Areas and error rates against what a few scores give by hand."""

import math

import numpy as np
import pytest

from detectors.rates import expected_a_day, poisson_interval
from detectors.roc import auc, caught_at, eer, interval


def flags(text: str) -> np.ndarray:
    return np.array([letter == "x" for letter in text])


def test_auc_counts_pairs_and_half_of_the_ties() -> None:
    assert auc(np.array([1.0, 2.0, 3.0, 4.0]), flags("..xx")) == 1.0
    assert auc(np.array([1.0, 2.0, 2.0, 4.0]), flags(".x.x")) == pytest.approx(3.5 / 4)
    assert auc(np.ones(6), flags("..xxxx")) == 0.5


def test_auc_says_nothing_where_one_sort_is_missing() -> None:
    assert math.isnan(auc(np.array([1.0, 2.0]), flags("xx")))
    assert math.isnan(eer(np.array([1.0, 2.0]), flags("..")))


def test_equal_error_rate_lies_where_both_errors_meet() -> None:
    assert eer(np.array([1.0, 2.0, 3.0, 4.0]), flags("..xx")) == 0.0
    assert eer(np.array([1.0, 3.0, 2.0, 4.0]), flags("..xx")) == 0.5
    assert eer(np.ones(4), flags("..xx")) == 0.5


def test_what_is_caught_where_a_share_of_the_normal_ones_is_let_through() -> None:
    scores = np.concatenate([np.arange(100.0), [50.0, 96.0, 200.0, 300.0]])
    assert caught_at(scores, flags("." * 100 + "xxxx"), 0.05) == 0.75


def test_an_interval_draws_whole_clips() -> None:
    same = [np.array([0.0, 1.0])] * 4, [flags(".x")] * 4
    assert interval(auc, *same) == (1.0, 1.0)
    mixed = [np.array([0.0, 1.0]), np.array([1.0, 0.0])] * 3, [flags(".x")] * 6
    low, high = interval(auc, *mixed)
    assert low < 0.4 < 0.6 < high


def test_no_event_in_an_hour_still_allows_many_a_day() -> None:
    low, high = poisson_interval(0, 1 / 24)
    assert low == 0
    assert high == pytest.approx(3.689 * 24, rel=1e-3)


def test_the_interval_of_ten_events_is_garwoods() -> None:
    assert poisson_interval(10, 1.0) == pytest.approx((4.795, 18.39), rel=1e-3)


def test_scores_that_mean_what_they_say_give_the_rate_they_say() -> None:
    """-log10 of a uniform p-value exceeds 4.64 once in 43,200 blocks."""
    maxima = -np.log10(np.random.default_rng(1).uniform(size=4000))
    rate, low, high = expected_a_day(maxima, -math.log10(2 / 86_400), 2.0) or (0, 0, 0)
    assert low < 1 < high
    assert 0.4 < rate < 2.5
    assert expected_a_day(maxima[:10], 4.64, 2.0) is None
