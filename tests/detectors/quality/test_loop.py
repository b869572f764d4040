"""Old pictures played again: told, also where the codec encodes them anew; and what merely repeats is not."""

import re
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from detectors.quality.look import look_at
from detectors.quality.loop import Loop
from tests.detectors.quality.clips import RATE, Picture, encoded, frames, judged
from tests.detectors.quality.test_detector import scene
from tests.real import shared

SCENE = scene()
GAP = 0.2


def grainy(picture: Picture, sigma: float, seed: int) -> Picture:
    grain = np.random.default_rng(seed).normal(0, sigma, picture.shape[:2])[..., None]
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def first_told(pictures: Callable[[int], Picture], seconds: float) -> float | None:
    """The second in which a loop is told."""
    loop = Loop(10, 1)
    for number in range(round(seconds / GAP)):
        if loop.examine(look_at(pictures(number)), GAP if number else 0.0).alarming:
            return number * GAP
    return None


def traffic_light(period: float, sigma: float) -> Callable[[int], Picture]:
    def shown(number: int) -> Picture:
        picture, phase = SCENE.copy(), number * GAP % period / period
        colour = (0, 0, 255) if phase < 0.5 else (0, 200, 255) if phase < 0.6 else (0, 255, 0)
        cv2.circle(picture, (160, 60), 12, colour, -1)
        return grainy(picture, sigma, number) if sigma else picture

    return shown


def machine(period: float) -> Callable[[int], Picture]:
    """A slide that goes across in always the same time."""

    def shown(number: int) -> Picture:
        picture, x = SCENE.copy(), round(number * GAP % period / period * 360) - 40
        cv2.rectangle(picture, (x, 80), (x + 40, 130), (30, 60, 200), -1)
        return grainy(picture, 2, number)

    return shown


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_a_still_scene_is_no_loop(sigma: float) -> None:
    assert first_told(lambda number: grainy(SCENE, sigma, number), 135) is None


@pytest.mark.parametrize(("period", "sigma"), [(20, 0.0), (45, 0.0), (45, 2.0)])
def test_a_traffic_light_is_no_loop(period: float, sigma: float) -> None:
    assert first_told(traffic_light(period, sigma), 200) is None


@pytest.mark.parametrize("period", [50])
def test_a_machine_that_repeats_itself_is_no_loop(period: float) -> None:
    assert first_told(machine(period), 200) is None


def test_a_still_scene_that_is_played_again_is_told_by_its_noise() -> None:
    def shown(number: int) -> Picture:
        return grainy(SCENE, 2, number if number < 700 else 500 + number % 200)

    told = first_told(shown, 180)
    assert told is not None
    assert 140 + 7 < told < 140 + 12


@pytest.mark.real("footage")
@pytest.mark.parametrize("crf", [30])
def test_pictures_that_are_encoded_anew_are_told(crf: int) -> None:
    """People on a campus; fifteen seconds are recorded, and played again from the 130th second on."""
    pictures: list[Picture] = []
    for path in sorted(shared("data/ucsd_ped2/train").glob("*.mp4")):
        if len(pictures) >= 1300:
            break
        file = path.read_bytes()
        pictures += [each.picture for each in frames(file, looks=RATE)]
    recorded = [each.picture for each in frames(encoded(pictures[1149:1300], crf=crf), looks=RATE)]
    clip = pictures[:1300] + [recorded[number % len(recorded)] for number in range(200)]
    seen = judged(frames(encoded(clip, crf=crf)))
    told = [each.position for each in seen if "looped" in each.alarms]
    assert {one for each in seen for one in each.alarms} == {"looped"}
    assert 130 + 6 < told[0] < 130 + 14
    assert re.match(
        r"\d+ s of pictures came again as they were 15\.[0-3] s before: ", seen[-1].said["looped"].reason
    )
