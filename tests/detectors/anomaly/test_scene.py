"""Which pictures are of the same scene, and what lasts in them."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.anomaly.scene import APART, HALF, Lookout, Scene, unpacked
from tests.detectors.anomaly.drill import scene
from tests.real import shared

LASTS = 2 * HALF


def watched(pictures: list[NDArray[np.uint8]]) -> Lookout:
    lookout = Lookout()
    for number, picture in enumerate(pictures):
        lookout.look(picture, number * APART)
    return lookout


def shown(picture: NDArray[np.uint8]) -> Scene:
    return Lookout().look(picture, 0.0)


def real(name: str) -> list[NDArray[np.uint8]]:
    video = cv2.VideoCapture(str(shared(f"data/videos/{name}.mp4")))
    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    pictures = []
    for number in np.linspace(0, min(count, 700) - 1, 2 * LASTS).astype(int):
        video.set(cv2.CAP_PROP_POS_FRAMES, int(number))
        pictures.append(video.read()[1])
    return pictures  # type: ignore[return-value]


def _shift(across: float, down: float) -> object:
    def shifted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = picture.shape[:2]
        return np.roll(picture, (round(down * height), round(across * width)), (0, 1))

    return shifted


@pytest.mark.real("footage")
@pytest.mark.parametrize("name", ["vtest", "car-detection", "bottle-detection"])
def test_real_cameras_are_themselves_in_other_light_and_not_when_moved(name: str) -> None:
    pictures = real(name)
    half = len(pictures) // 2
    first = watched(pictures[:half]).seen
    assert first is not None

    def later(change: object) -> str:
        seen = watched([change(each) for each in pictures[half:]]).seen  # type: ignore[operator]
        assert seen is not None
        return first.unlike(seen)

    assert later(lambda picture: picture) == ""
    assert later(lambda picture: cv2.convertScaleAbs(picture, alpha=0.4)) == ""
    assert later(lambda picture: cv2.convertScaleAbs(picture, alpha=1.2, beta=20)) == ""
    assert later(_shift(0.02, 0.0)) == "the camera was moved"
    assert later(_shift(0.0, 0.03)) == "the camera was moved"
    assert later(_shift(0.3, 0.2)) == "the camera shows another scene"
    assert later(lambda picture: np.ascontiguousarray(picture[::-1])) == "the camera shows another scene"


def test_losing_and_gaining_colours_is_told() -> None:
    day, night = shown(scene(1)), shown(scene(1, colour=False))
    assert day.unlike(night) == "the picture has lost its colours"
    assert night.unlike(day) == "the picture has colours now"
    assert day.unlike(day) == night.unlike(night) == ""


def test_what_lasts_is_the_empty_scene_without_who_passes() -> None:
    pictures = []
    for number in range(LASTS):
        picture = scene(1)
        picture[10:40, 6 * number : 6 * number + 12] = 255
        pictures.append(picture)
    lasting = watched(pictures).lasting
    assert lasting is not None
    assert np.abs(lasting.thumbnail.astype(int) - scene(1)).max() == 0
    short = watched(pictures[1:])
    assert short.lasting is None, "it was not seen for long enough"


def test_a_camera_that_has_just_turned_shows_nothing_lasting() -> None:
    assert watched([scene(1)] * HALF + [scene(2)] * HALF).lasting is None
    turned = watched([scene(1)] * HALF + [scene(2)] * HALF)
    for number in range(HALF):
        turned.look(scene(2), 1000.0 + number * APART)
    lasting = turned.lasting
    assert lasting is not None
    assert not lasting.unlike(shown(scene(2)))


def test_a_picture_that_is_exactly_the_one_before_is_stuck() -> None:
    lookout, said = Lookout(), []
    for number, seed in enumerate((1, 1, 2)):
        lookout.look(scene(seed), number / 5)
        said.append(lookout.stuck)
    assert said == [False, True, False]


def test_nothing_to_see_is_plain() -> None:
    assert shown(np.full((48, 64, 3), 90, np.uint8)).plain
    assert not shown(scene(1)).plain


def test_a_scene_is_put_into_letters_and_back() -> None:
    one = shown(scene(1))
    assert (unpacked(one.packed()).thumbnail == one.thumbnail).all()
    for letters in ("", "?", one.packed()[:40]):
        with pytest.raises(ValueError):  # noqa: PT011 - the words are for nobody
            unpacked(letters)
