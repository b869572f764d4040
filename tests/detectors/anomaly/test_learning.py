"""Learning goes on from what was learned before: cheaper, the same each time, nothing seen forgotten."""

import numpy as np
import pytest

from detectors.anomaly.features import shrink
from detectors.anomaly.learning import learn
from detectors.anomaly.method import Seen
from detectors.anomaly.normal import Normal
from detectors.anomaly.score import Expectation
from detectors.device import limit_torch_threads
from tests.detectors.anomaly.street import footage


def learned(first: float, start: Expectation | None = None) -> tuple[Normal, int]:
    """What ten seconds of the street teach, and how often learning told its progress."""
    limit_torch_threads()
    told: list[float] = []
    seen = [
        Seen(shrink(frame.picture), frame.position, number == 0)
        for number, frame in enumerate(footage(first, 10))
    ]
    return learn(seen, told.append, lambda: False, start), len(told)


@pytest.fixture(scope="module")
def cold() -> tuple[Normal, int]:
    return learned(0)


def test_learning_goes_on_from_what_was_learned_before(cold: tuple[Normal, int]) -> None:
    before, whole = cold
    after, short = learned(60, before.expectation)
    again, _ = learned(60, before.expectation)
    assert short < 0.5 * whole
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
    cold: tuple[Normal, int],
) -> None:
    known = cold[0].expectation
    elsewhere = Expectation(
        known.mean,
        known.whiten * 50,  # as if everything had been much steadier
        known.denoiser,
        known.rarity,
        known.usual,
        known.places,
    )
    after, _ = learned(60, elsewhere)
    assert not np.array_equal(after.expectation.whiten, elsewhere.whiten)
