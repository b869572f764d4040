"""Objects that are followed: which is which, whatever else is followed beside them."""

from itertools import pairwise

from detectors.objects.found import Found
from detectors.objects.tracks import Tracker
from tests.detectors.objects.walk import PACE, found, walks

SIZE = (200, 100)


def test_streams_count_their_own_objects_even_where_one_begins_anew() -> None:
    """The library's trackers must not give one number twice, nor depend on each other."""
    way = [[one, found("car", 0.9, 0.5)] for one in walks("person", 0.1, 0.5, 0.9, 20)]

    def numbers(others: bool) -> list[list[int]]:
        one, other = Tracker(), Tracker()
        seen = []
        for at, objects in enumerate(way):
            if others and at % 5 == 0:
                other.forget()
            if others:
                other.follow([found("dog", 0.2 + 0.3 * (at % 3), 0.4)], at * PACE, *SIZE)
            seen.append(sorted(track.number for track in one.follow(objects, at * PACE, *SIZE)))
        return seen

    assert numbers(others=True) == numbers(others=False)
    assert numbers(others=False)[-1] == [1, 2]


def test_what_was_hidden_for_a_moment_is_the_same_one_and_after_long_it_is_not() -> None:
    for hidden, numbers in ((2.0, {1}), (6.0, {1, 2})):
        tracker, seen = Tracker(), set()
        behind = range(15, 15 + round(hidden / PACE))
        for number in range(behind.stop + 5):
            objects = [] if number in behind else [found("car", 0.5, 0.5)]
            seen |= {track.number for track in tracker.follow(objects, number * PACE, *SIZE)}
        assert seen == numbers, hidden


def test_the_label_is_that_of_most_sightings() -> None:
    tracker = Tracker()
    for number in range(12):
        label = "truck" if number in (0, 5, 6) else "bus"
        tracks = tracker.follow([found(label, 0.3 + 0.01 * number, 0.7)], number * PACE, *SIZE)
        if number > 2:
            assert [track.label for track in tracks] == ["bus"]


def test_two_who_pass_each_other_by_keep_their_numbers() -> None:
    right, left = walks("person", 0.1, 0.9, 0.9, 40), walks("person", 0.9, 0.1, 0.6, 40)
    tracker, ways = Tracker(), dict[int, list[float]]()
    for number, pair in enumerate(zip(right, left, strict=True)):
        for track in tracker.follow(pair, number * PACE, *SIZE):
            ways.setdefault(track.number, []).append(track.foot[0])
    assert sorted(ways) == [1, 2]
    for way in ways.values():
        steps = [b - a for a, b in pairwise(way)]
        assert min(steps) > 0 or max(steps) < 0


def test_who_is_hardly_seen_is_followed_but_does_not_begin() -> None:
    def numbers(sure: list[float]) -> list[int]:
        tracker = Tracker()
        last: list[int] = []
        for number, confidence in enumerate(sure):
            one = Found("person", confidence, found("person", 0.3 + 0.01 * number, 0.8).region)
            last = [track.number for track in tracker.follow([one], number * PACE, *SIZE)]
        return last

    assert numbers([0.8] * 5 + [0.15] * 5) == [1]
    assert numbers([0.15] * 10) == []
