"""Turns by weight: nobody waits for ever, and more weight is more turns."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.fair_order import FairOrder

WEIGHTS = st.dictionaries(st.sampled_from("abcdefghijkl"), st.floats(0.1, 10), min_size=1)


@given(weights=WEIGHTS)
def test_who_always_waits_gets_turns_by_weight(weights: dict[str, float]) -> None:
    order, turns = FairOrder(weights), Counter[str]()
    for _ in range(400):
        turns.update(order.take(list(weights), 1))
    assert turns.total() == 400
    for one, other in itertools.pairwise(weights):  # never further apart than by a turn of both
        ahead = abs(turns[one] / weights[one] - turns[other] / weights[other])
        assert ahead <= 1 / weights[one] + 1 / weights[other] + 1e-6


@given(weights=WEIGHTS, most=st.integers(1, 12))
def test_a_batch_holds_a_stream_once_and_nobody_is_left_out_for_ever(
    weights: dict[str, float], most: int
) -> None:
    order, turns = FairOrder(weights), Counter[str]()
    for _ in range(400):
        taken = order.take(list(weights), most)
        assert len(taken) == len(set(taken)) == min(most, len(weights))
        turns.update(taken)
    for stream, weight in weights.items():
        share = weight / sum(weights.values())
        assert turns[stream] >= (400 - len(weights)) * share - 1  # as follows from what the test above says


@given(weights=WEIGHTS, waiting=st.lists(st.sets(st.sampled_from("abcdefghijkl")), max_size=60))
def test_nobody_waits_for_more_than_its_share(weights: dict[str, float], waiting: list[set[str]]) -> None:
    """Whoever is passed over is passed over by each other one only as often as that one's weight says."""
    order, passed_over = FairOrder(weights), Counter[tuple[str, str]]()
    for some in waiting:
        ready = sorted(some & weights.keys())
        taken = order.take(ready, 1)
        for stream in weights:
            for other in taken:
                if stream in ready and stream != other:
                    passed_over[stream, other] += 1
                else:
                    passed_over[stream, other] = 0
        for (stream, other), times in passed_over.items():
            assert times <= 2 + 2 * weights[other] / weights[stream]


def test_who_was_away_makes_up_for_nothing() -> None:
    order = FairOrder({})
    for _ in range(100):
        order.take(["a"], 1)
    turns = Counter(stream for _ in range(20) for stream in order.take(["a", "b"], 1))
    assert turns["b"] == pytest.approx(10, abs=1)


def test_who_is_forgotten_begins_anew() -> None:
    order = FairOrder({"slow": 0.1})
    order.take(["slow", "other"], 1)
    order.forget("slow")
    assert order.take(["slow", "other"], 2) == ["slow", "other"]
