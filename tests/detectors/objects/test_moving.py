"""What moves is found without weights, and what only looks different is not."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.detection import DetectorError
from detectors.objects.found import Found
from detectors.objects.moving import MovingFinder
from tests.fakes import frame

QUIET = 30  # pictures in which nothing happens
GROUND = np.random.default_rng(0).integers(60, 120, (18, 32, 3)).repeat(20, 0).repeat(20, 1).astype(np.uint8)
NOISE = itertools.cycle(np.random.default_rng(1).normal(0, 2, (5, 360, 640, 3)).round().astype(np.int16))


def scene(*boxes: tuple[int, int, int, int], gain: float = 1.0) -> NDArray[np.uint8]:
    """640x360 with bright things on it: left, top, width, height."""
    picture = (GROUND * np.float32(gain)).astype(np.int16)
    for left, top, width, height in boxes:
        picture[top : top + height, left : left + width] = 230
    shown: NDArray[np.uint8] = np.clip(picture + next(NOISE), 0, 255).astype(np.uint8)
    return shown


def watched(finder: MovingFinder, *pictures: NDArray[np.uint8], first: int = 0) -> list[list[Found]]:
    return [list(finder.find([frame(number=first + n, picture=one)])[0]) for n, one in enumerate(pictures)]


@pytest.fixture
def finder() -> MovingFinder:
    made = MovingFinder()
    assert not any(watched(made, *(scene() for _ in range(QUIET))))
    return made


def test_something_that_crosses_the_picture_is_found_where_it_is(finder: MovingFinder) -> None:
    said = watched(finder, *(scene((100 + 12 * n, 150, 40, 80)) for n in range(10)), first=QUIET)
    assert [len(each) for each in said[3:]] == [1] * 7
    one = said[-1][0]
    assert (one.label, one.confidence > 0.9) == ("moving", True)
    assert one.region.left == pytest.approx(208 / 640, abs=0.02)
    assert one.region.top == pytest.approx(150 / 360, abs=0.03)
    assert one.region.width == pytest.approx(40 / 640, abs=0.03)
    assert one.region.height == pytest.approx(80 / 360, abs=0.04)
    assert said[0][0].confidence < 0.5  # one picture alone is not sure


def test_what_was_put_down_and_stays_moves_no_more(finder: MovingFinder) -> None:
    said = watched(finder, *(scene((300, 100, 60, 60)) for _ in range(12)), first=QUIET)
    assert said[1]
    assert not any(said[7:])


def test_light_that_changes_is_nothing_that_moves(finder: MovingFinder) -> None:
    slowly = (scene(gain=1 + n / 20) for n in range(10))
    suddenly = (scene(gain=0.5) for _ in range(15))
    assert not any(watched(finder, *slowly, *suddenly, first=QUIET))


def test_a_camera_that_is_turned_is_silent_and_learns_anew(finder: MovingFinder) -> None:
    elsewhere = np.ascontiguousarray(255 - GROUND[::-1, ::-1])
    assert not any(watched(finder, *([elsewhere] * 20), first=QUIET))
    with_one = [elsewhere.copy() for _ in range(6)]
    for n, each in enumerate(with_one):
        each[100:200, 100 + 12 * n : 150 + 12 * n] = 0
    assert watched(finder, *with_one, first=QUIET + 20)[-1]


def test_streams_are_apart_and_a_fresh_picture_begins_anew(finder: MovingFinder) -> None:
    moved = scene((300, 100, 60, 60))
    there, new = frame(number=QUIET, picture=moved), frame("yard", QUIET, moved)
    assert [bool(each) for each in finder.find([there, new])] == [True, False]
    assert not finder.find([replace(there, fresh=True)])[0]
    finder.forget("gate")
    assert not finder.find([there])[0]


def test_a_picture_that_is_the_last_one_again_moves_for_a_moment_only(finder: MovingFinder) -> None:
    said = watched(finder, *(scene((100 + 12 * n, 150, 40, 80)) for n in range(6)), first=QUIET)
    last = frame(number=QUIET + 5, picture=scene((160, 150, 40, 80)))
    again = [replace(last, unchanged=True, position=last.position + 0.2 * n) for n in range(1, 12)]
    told = [list(finder.find([each])[0]) for each in again]
    assert told[0] == said[-1]
    assert not any(told[6:])


def test_what_is_no_picture_is_said_and_spoils_nothing(finder: MovingFinder) -> None:
    good = frame("yard", QUIET, scene())
    with pytest.raises(DetectorError, match=r"a picture of 'gate' is uint8 \(0, 0, 3\)"):
        finder.find([good, frame(number=QUIET, picture=np.zeros((0, 0, 3), np.uint8))])
    assert watched(finder, scene((300, 100, 60, 60)), first=QUIET)[0]
