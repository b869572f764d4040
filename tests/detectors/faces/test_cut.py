"""What is cut out of a picture is the face, upright, with what lies beyond the border mirrored."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.faces.cut import LEVEL, cut, roll
from detectors.faces.face import Face
from tests.detectors.faces.drawn import face_at, texture


def test_a_cut_is_the_square_about_the_middle() -> None:
    picture = texture(200, 300)
    assert np.array_equal(cut(picture, face_at(150, 100, 80), 1.5, 120), picture[40:160, 90:210])


def test_the_longer_side_of_the_box_counts() -> None:
    picture, usual = texture(200, 300), face_at(150, 100)
    high = Face(130, 60, 40, 80, usual.landmarks, 1.0)
    assert np.array_equal(cut(picture, high, 1.0, 80), picture[60:140, 110:190])


def test_beyond_the_border_is_the_mirror_image() -> None:
    picture = texture(100, 100)
    piece = cut(picture, face_at(10, 50, 40), 1.0, 40)
    assert np.array_equal(piece[:, 10:], picture[30:70, :30])
    assert np.array_equal(piece[:, :10], picture[30:70, 10:0:-1])


@settings(max_examples=60)
@given(
    x=st.floats(-400, 700), y=st.floats(-400, 700), size=st.floats(0.1, 200), margin=st.floats(1, 3),
    high=st.integers(1, 60), wide=st.integers(1, 60), turned=st.floats(-180, 180),
)  # fmt: skip
def test_any_box_gives_a_whole_cut(
    x: float, y: float, size: float, margin: float, high: int, wide: int, turned: float
) -> None:
    picture = np.full((high, wide, 3), 77, np.uint8)
    face = _turned(face_at(x, y, size), turned)
    piece = cut(picture, face, margin, 32)
    assert piece.shape == (32, 32, 3) and piece.dtype == np.uint8
    assert (piece == 77).all()


def test_a_head_that_rolls_is_set_upright() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    face = _turned(face_at(200, 200, 100), 45)
    for place in face.landmarks[:2]:
        cv2.circle(picture, (round(float(place[0])), round(float(place[1]))), 6, (255, 255, 255), -1)
    bright = np.nonzero(cut(picture, face, 2.0, 200)[..., 0] > 128)
    eyes = [bright[0][bright[1] < 100].mean(), bright[0][bright[1] > 100].mean()]
    assert eyes[0] == pytest.approx(eyes[1], abs=1.5)
    assert eyes[0] == pytest.approx(
        100 - 0.1 * 100, abs=2
    )  # the eyes stand above the middle, as in a box upright


@pytest.mark.parametrize(("turned", "kept"), [(LEVEL - 2, True), (2 - LEVEL, True), (LEVEL + 2, False)])
def test_a_head_that_hardly_rolls_is_left_as_it_is(turned: float, kept: bool) -> None:
    picture = texture(300, 300)
    face = _turned(face_at(150, 150, 100), turned)
    assert roll(face) == pytest.approx(turned, abs=0.1)
    assert np.array_equal(cut(picture, face, 1.0, 100), picture[100:200, 100:200]) is kept


def test_shrinking_averages_and_enlarging_does_not() -> None:
    checks = np.indices((256, 256)).sum(axis=0) % 2 * 255
    picture = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    assert abs(cut(picture, face_at(128, 128, 128), 1.0, 32).astype(int) - 127).max() <= 1
    assert cut(picture, face_at(128, 128, 16), 1.0, 64).max() == 255


def _turned(face: Face, degrees: float) -> Face:
    """The same box; its places turned clockwise about the middle."""
    x, y = face.centre
    angle = np.radians(degrees)
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    places = (face.landmarks - (x, y)) @ turn + (x, y)
    return Face(face.left, face.top, face.width, face.height, places.astype(np.float32), 1.0)
