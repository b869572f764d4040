"""Parts of pictures find what is small, lose nothing large, and cost only where they add something."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.detection import Region
from detectors.objects.found import Found
from detectors.objects.sliced import AGAIN, RARELY, SlicedFinder, Worth, merge
from streams.frame import Frame
from tests.fakes import frame

EMPTY = np.zeros((360, 640, 3), np.uint8)


class Rectangles:
    """Finds rectangles of one grey level each that are large enough in what it is shown, 320 pixels wide."""

    name, sha256, width = "rectangles", "", 320
    labels: tuple[str, ...] = ("thing",)

    def __init__(self) -> None:
        self.looks = 0

    def find(self, frames: Sequence[Frame]) -> Sequence[Sequence[Found]]:
        assert len({each.stream for each in frames}) == len(frames)
        self.looks += len(frames)
        return [self._found(each) for each in frames]

    def forget(self, stream: str) -> None:
        """Nothing to forget."""

    def _found(self, shown: Frame) -> list[Found]:
        height, width = shown.picture.shape[:2]
        found = []
        for level in np.unique(shown.picture[shown.picture > 0]):
            rows, columns = np.nonzero(shown.picture[..., 0] == level)
            left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
            if (bottom - top) * self.width / width >= 20:
                region = Region(left / width, top / height, (right - left) / width, (bottom - top) / height)
                found.append(Found("thing", 0.8, region))
        return found


def scene(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """640x360 with things on it: left, top, width, height."""
    picture = EMPTY.copy()
    for number, (left, top, width, height) in enumerate(boxes, 1):
        picture[top : top + height, left : left + width] = number
    return picture


def places(found: Sequence[Found]) -> list[tuple[int, int, int, int]]:
    regions = [each.region for each in found]
    return sorted(
        (round(one.left * 640), round(one.top * 360), round(one.width * 640), round(one.height * 360))
        for one in regions
    )


def test_small_things_are_found_and_large_ones_stay_whole() -> None:
    boxes = (20, 20, 15, 30), (300, 100, 20, 36), (500, 300, 15, 28), (60, 80, 500, 200)
    whole = Rectangles().find([frame(picture=scene(*boxes))])[0]
    assert places(whole) == [(60, 80, 500, 200)]
    finder = SlicedFinder(Rectangles(), "always")
    assert places(finder.find([frame(picture=scene(*boxes[:3]))])[0]) == sorted(boxes[:3])
    (said,) = finder.find([frame(picture=scene((20, 20, 15, 30), (60, 80, 500, 200)))])
    assert places(said) == [(20, 20, 15, 30), (60, 80, 500, 200)]
    assert (finder.width, finder.name) == (640, "rectangles, with slices")


@pytest.mark.parametrize("left", range(0, 624, 39))
def test_a_small_thing_is_found_once_wherever_it_is(left: int) -> None:
    found = SlicedFinder(Rectangles(), "always").find([frame(picture=scene((left, 150, 16, 30)))])[0]
    assert places(found) == [(left, 150, 16, 30)]


def test_parts_are_looked_at_where_they_add_something_and_else_rarely() -> None:
    looks = Rectangles()
    finder = SlicedFinder(looks, "auto")
    for number in range(100):
        finder.find([frame(number=number, picture=scene((60, 80, 500, 200)))])
    assert looks.looks <= 100 + 4 * (1 + 100 // RARELY)
    finder.forget("gate")
    looks.looks = 0
    for number in range(20):
        said = finder.find([frame(number=number, picture=scene((20, 20, 15, 30), (500, 300, 15, 28)))])[0]
        assert len(said) == 2
    assert looks.looks == 20 * 5
    looks.looks = 0
    for number in range(200):  # the small things are gone
        finder.find([frame(number=number, picture=scene((60, 80, 500, 200)))])
    assert looks.looks < 200 + 4 * 20


def test_streams_are_apart_and_small_pictures_have_no_parts() -> None:
    looks = Rectangles()
    finder = SlicedFinder(looks, "auto")
    small, large = scene((20, 20, 15, 30)), np.ascontiguousarray(scene((60, 80, 500, 200))[::2, ::2])
    said = finder.find([frame("a", picture=small), frame("b", picture=large)])
    assert [len(each) for each in said] == [1, 1]
    assert looks.looks == 2 + 4


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=200))
def test_no_trial_is_longer_away_than_it_may_be(told: list[tuple[int, bool]]) -> None:
    worth, quiet = Worth(), 0
    assert worth.due()
    for added, small in told:
        if worth.due():
            worth.tried(added, small)
            quiet = 0
            assert not worth.worth or added > 0 or worth.due()
        else:
            worth.whole(small)
            quiet += 1
        assert quiet <= RARELY
    for _ in range(RARELY + AGAIN):  # where parts add nothing any more, they are given up
        if worth.due():
            worth.tried(0, small=False)
    assert not worth.worth


BOXES = st.builds(Region, *[st.floats(0, 0.5)] * 2, *[st.floats(0.01, 0.5)] * 2)
FOUND = st.builds(Found, st.sampled_from(["cat", "dog"]), st.floats(0.1, 1), BOXES)


@given(st.lists(FOUND, max_size=8), st.lists(FOUND, max_size=8))
def test_nothing_that_the_whole_picture_shows_is_lost_by_merging(
    whole: list[Found], more: list[Found]
) -> None:
    merged, added = merge(whole, more)
    assert len(whole) <= len(merged) <= len(whole) + len(more)
    assert 0 <= added <= len(merged) - len(whole)
    for label in ("cat", "dog"):
        before = sorted(one.confidence for one in whole if one.label == label)
        after = sorted(one.confidence for one in merged if one.label == label)
        assert all(a >= b for a, b in zip(after[::-1], before[::-1], strict=False))
    assert [one.confidence for one in merged] == sorted((one.confidence for one in merged), reverse=True)
    assert merge(merged, [replace(one, confidence=0.1) for one in merged])[0] == merged
