"""When one camera's pictures are restored, and how: as a machine that anything may happen to."""

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from detectors.denoising.gate import EVERY, FIRST, Gate, Way


def settled(gate: Gate, logit: float, seconds: float, at: float = 0.0) -> Gate:
    """After pictures that all say the same, five a second."""
    for number in range(round(5 * seconds)):
        gate.see(logit, at + number / 5)
    return gate


def test_a_first_picture_decides_at_once_and_later_ones_slowly() -> None:
    assert Gate().see(4.0, 0.0) is Way.DENOISER
    assert Gate().see(-4.0, 0.0) is Way.PLAIN
    gate = settled(Gate(), -4.0, 10)
    assert gate.see(9.0, 10.0) is Way.PLAIN, "one flash is no noise"
    assert settled(gate, 4.0, 10, 10.2).way is Way.DENOISER


def test_what_is_between_changes_nothing() -> None:
    assert settled(settled(Gate(), 4.0, 10), 0.0, 60, 10).noisy
    assert not settled(settled(Gate(), -4.0, 10), 0.0, 60, 10).noisy


def compared(gate: Gate, times: int, **sure: float) -> Gate:
    for _ in range(times):
        gate.compare({Way(name): value for name, value in sure.items()})
    return gate


def test_the_way_in_which_most_is_found_is_taken_once_that_is_sure() -> None:
    gate = settled(Gate(), 4.0, 10)
    assert compared(gate, 1, plain=0.0, classical=2.0, denoiser=1.0).way is Way.DENOISER, "too early"
    assert compared(gate, 5, plain=0.0, classical=2.0, denoiser=1.0).way is Way.CLASSICAL
    assert compared(gate, 60, plain=3.0, classical=2.0, denoiser=1.0).way is Way.PLAIN, "it only harms"
    assert compared(gate, 60, plain=3.0, classical=2.9, denoiser=3.1).way is Way.PLAIN, "hardly better"


def test_where_nothing_is_ever_found_the_first_way_stays() -> None:
    gate = settled(Gate(), 4.0, 10)
    assert compared(gate, 100, plain=0.0, classical=0.0, denoiser=0.0).way is Way.DENOISER


def test_comparisons_come_quickly_at_first_and_never_where_nothing_is_noisy() -> None:
    gate, told = Gate(), []
    for number in range(5 * 300):
        gate.see(4.0, number / 5)
        if gate.due():
            told.append(number / 5)
            gate.compare(dict.fromkeys(Way, 0.0))
    gaps = [b - a for a, b in pairwise(told)]
    assert FIRST - 0.01 <= min(gaps) < FIRST + 0.3
    assert EVERY - 0.01 <= max(gaps) < EVERY + 0.3
    quiet = settled(Gate(), -4.0, 10)
    assert not quiet.due()


def test_connected_anew_what_helps_is_still_known() -> None:
    gate = compared(settled(Gate(), 4.0, 10), 10, plain=0.0, classical=2.0, denoiser=1.0)
    gate.forget()
    assert gate.see(-4.0, 100.0) is Way.PLAIN
    gate.forget()
    assert gate.see(4.0, 200.0) is Way.CLASSICAL


class AnyCamera(RuleBasedStateMachine):
    """Whatever is seen and found."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.at = Gate(), 0.0

    @rule(logit=st.floats(-30, 30), passed=st.floats(0, 100))
    def see(self, logit: float, passed: float) -> None:
        self.at += passed
        assert self.gate.see(logit, self.at) is self.gate.way

    @rule(sure=st.fixed_dictionaries({way: st.floats(0, 50) for way in Way}))
    def compare(self, sure: dict[Way, float]) -> None:
        if self.gate.due():
            self.gate.compare(sure)
            assert not self.gate.due(), "once is enough for one picture"

    @rule()
    def forget(self) -> None:
        self.gate.forget()

    @invariant()
    def what_is_clean_is_left_alone(self) -> None:
        assert self.gate.noisy or self.gate.way is Way.PLAIN
        assert self.gate.noisy or not self.gate.due()


AnyCamera.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestAnyCamera = AnyCamera.TestCase
