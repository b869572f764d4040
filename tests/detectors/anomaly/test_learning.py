"""Learning goes on from what was learned before: cheaper, the same each time, nothing seen forgotten."""

import numpy as np
import pytest

from detectors.anomaly.features import shrink
from detectors.anomaly.learning import learn
from detectors.anomaly.method import Seen
from detectors.anomaly.normal import Normal, load
from detectors.anomaly.score import Expectation
from detectors.device import limit_torch_threads
from streams.thinning import Thinning
from tests.detectors.anomaly.learned import LearnedOnce
from tests.detectors.anomaly.street import footage


def learned(
    first: float, start: Expectation | None = None, seconds: float = 10, thinning: Thinning | None = None
) -> tuple[Normal, int]:
    """What so much of the street teaches, and how often learning told its progress."""
    limit_torch_threads()
    told: list[float] = []
    seen = [
        Seen(shrink(frame.picture), frame.position, number == 0)
        for number, frame in enumerate(footage(first, seconds))
        if thinning is None or thinning.keep()
    ]
    return learn(seen, told.append, lambda: False, start), len(told)


@pytest.fixture(scope="module")
def cold(learned_once: LearnedOnce) -> Normal:
    before = load(learned_once.state / "gate" / "1")
    assert before
    return before


@pytest.fixture(scope="module")
def further(cold: Normal) -> tuple[Normal, int]:
    return learned(60, cold.expectation)


def test_learning_goes_on_from_what_was_learned_before(cold: Normal, further: tuple[Normal, int]) -> None:
    before, (after, _) = cold, further
    again, _ = learned(60, before.expectation)
    assert after.tail == again.tail
    for name, weights in after.expectation.denoiser.state_dict().items():
        assert weights.equal(again.expectation.denoiser.state_dict()[name])
    assert np.array_equal(after.expectation.whiten, before.expectation.whiten)
    assert not any(
        weights.equal(before.expectation.denoiser.state_dict()[name])
        for name, weights in after.expectation.denoiser.state_dict().items()
    )
    assert (after.expectation.rarity <= before.expectation.rarity).all()


def test_what_has_nothing_in_common_with_what_was_learned_is_learned_anew(
    cold: Normal, further: tuple[Normal, int]
) -> None:
    known = cold.expectation
    elsewhere = Expectation(
        known.mean,
        known.whiten * 50,  # as if everything had been much steadier
        known.denoiser,
        known.rarity,
        known.places,
    )
    after, whole = learned(60, elsewhere)
    assert not np.array_equal(after.expectation.whiten, elsewhere.whiten)
    assert further[1] < 0.5 * whole, "what goes on from what fits is not cheaper"


@pytest.mark.parametrize("share", [0.35, 0.6, 0.9])
def test_where_only_a_share_of_the_pictures_is_kept_the_pace_of_the_camera_is_learned(
    share: float, cold: Normal
) -> None:
    thinning = Thinning()
    thinning.share = share
    normal, _ = learned(60, cold.expectation, seconds=16, thinning=thinning)
    assert normal.gap == pytest.approx(cold.gap)
