"""A finder behind the denoiser: who sees which picture."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detectors.denoising.gate import Way
from detectors.denoising.noise import Noise, Picture
from detectors.objects.denoised import Denoised
from detectors.objects.found import Found
from streams.frame import Frame
from tests.detectors.objects.walk import found, frame

CLEAN, NOISY = 10, 200  # grey levels: the dark picture is clean here, and the bright one noisy


class Paint:
    """A Restorer that leaves its mark."""

    sha256 = ""

    def __init__(self, name: str, level: int) -> None:
        self.name, self.level = name, level

    def restore(self, picture: Picture, noise: Noise) -> Picture:
        """All of one grey level."""
        return np.full_like(picture, self.level)


class Seer:
    """A finder that finds as much as `finds` says of the grey level that it sees."""

    name, sha256, width = "seer", "77", 100
    labels: tuple[str, ...] = ("person",)

    def __init__(self, finds: dict[int, int]) -> None:
        self.finds = finds
        self.saw: list[tuple[str, int, int]] = []  # stream, grey level, width of the picture
        self.forgotten: list[str] = []

    def find(self, frames: Sequence[Frame]) -> Sequence[Sequence[Found]]:
        """So many people."""
        levels = [int(each.picture[0, 0, 0]) for each in frames]
        self.saw += [(f.stream, level, f.picture.shape[1]) for f, level in zip(frames, levels, strict=True)]
        return [[found("person", 0.5, 0.5)] * self.finds.get(level, 0) for level in levels]

    def forget(self, stream: str) -> None:
        """Notes it."""
        self.forgotten.append(stream)


def behind(seer: Seer, always: bool = False) -> Denoised:
    ways = {Way.CLASSICAL: Paint("old", 50), Way.DENOISER: Paint("new", 60)}
    return Denoised(seer, lambda picture: 5.0 if picture[0, 0, 0] >= NOISY else -5.0, ways, always)


def shown(number: int, level: int, stream: str = "yard", size: tuple[int, int] = (60, 80)) -> Frame:
    return replace(frame(number, stream), picture=np.full((*size, 3), level, np.uint8))


def test_a_clean_picture_reaches_the_finder_as_it_is() -> None:
    seer = Seer({CLEAN: 2})
    (said,) = behind(seer).find([shown(0, CLEAN)])
    assert len(said) == 2
    assert seer.saw == [("yard", CLEAN, 80)]


def test_a_noisy_one_reaches_it_restored_and_no_larger_than_it_looks_at() -> None:
    seer = Seer({60: 3})
    denoised = behind(seer)
    (said,) = denoised.find([shown(0, NOISY, size=(300, 400))])
    assert len(said) == 3
    assert seer.saw[0] == ("yard", 60, 100)
    assert denoised.ways == {"yard": Way.DENOISER}
    assert denoised.counts[Way.DENOISER] == 1


def test_each_camera_is_treated_as_it_needs_in_one_batch() -> None:
    seer = Seer({})
    behind(seer).find([shown(0, CLEAN, "day"), shown(0, NOISY, "night")])
    assert seer.saw[:2] == [("day", CLEAN, 80), ("night", 60, 80)]


def test_what_finds_most_is_taken_and_said_of_the_same_picture() -> None:
    seer = Seer({60: 1, 50: 9, NOISY: 2})
    denoised = behind(seer)
    (said,) = denoised.find([shown(0, NOISY)])
    assert len(said) == 9, "it was just found out that the classical filter is better"
    assert denoised.counts["switched"] == 1
    denoised.find([shown(1, NOISY)])
    assert denoised.ways == {"yard": Way.CLASSICAL}


def test_where_restoring_harms_the_plain_picture_is_shown() -> None:
    seer = Seer({60: 1, 50: 1, NOISY: 9})
    denoised = behind(seer)
    for number in range(3):
        (said,) = denoised.find([shown(number, NOISY)])
        assert len(said) == 9
    assert denoised.ways == {"yard": Way.PLAIN}


def test_always_is_always_and_compares_nothing() -> None:
    seer = Seer({60: 1, CLEAN: 9})
    denoised = behind(seer, always=True)
    for number in range(20):
        denoised.find([shown(number, CLEAN)])
    assert {level for _, level, _ in seer.saw} == {60}
    assert denoised.counts["compared"] == 0


def test_a_stream_is_forgotten_inside_and_outside() -> None:
    seer = Seer({})
    denoised = behind(seer)
    denoised.find([shown(0, NOISY)])
    denoised.forget("yard")
    assert denoised.ways == {}
    assert seer.forgotten == ["yard"]
