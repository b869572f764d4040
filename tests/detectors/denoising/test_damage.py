"""Damage: as strong as it is said to be, the same for the same seed, and of a picture of any size."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator

from detectors.denoising import damage
from detectors.denoising.camera import Camera
from detectors.denoising.noise import Picture
from tests.detectors.denoising.drawn import scene

Harm = Callable[[Picture, Generator], Picture]
HARMS: dict[str, Harm] = {
    "white": lambda picture, rng: damage.white(picture, 25, rng),
    "low light": damage.low_light,
    "jpeg": lambda picture, rng: damage.jpeg(picture, 10),
    "h264": lambda picture, rng: damage.h264([picture], 35),
    "fog": lambda picture, rng: damage.fog(picture, 2, rng),
    "camera": lambda picture, rng: Camera().film(picture, rng),
    "any camera": lambda picture, rng: Camera.drawn(rng).film(picture, rng),
}


def grey(level: int) -> Picture:
    return np.full((200, 200, 3), level, np.uint8)


def error(one: Picture, other: Picture) -> float:
    return float(np.sqrt(np.mean((one.astype(float) - other) ** 2)))


@pytest.mark.parametrize("name", HARMS)
def test_the_same_seed_does_the_same_and_the_picture_stays_as_it_is(name: str) -> None:
    picture = scene()
    before = picture.copy()
    one, same = (HARMS[name](picture, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, same)
    assert np.array_equal(picture, before)
    assert not np.array_equal(one, picture)


@settings(max_examples=25)
@given(st.sampled_from(sorted(HARMS)), st.integers(16, 70), st.integers(16, 70))
def test_a_picture_keeps_its_size(name: str, height: int, width: int) -> None:
    picture = scene()[:height, :width]
    harmed = HARMS[name](picture, np.random.default_rng(0))
    assert harmed.shape == picture.shape
    assert harmed.dtype == np.uint8
    assert harmed.flags.c_contiguous


def test_white_noise_is_as_strong_as_it_is_said() -> None:
    flat = grey(128)
    assert error(damage.white(flat, 25, np.random.default_rng(0)), flat) == pytest.approx(25, rel=0.02)
    # At black half of it is cut off, but not in what papers measure.
    dark = grey(0)
    assert error(damage.white(dark, 25, np.random.default_rng(0)), dark) < 20
    unclipped = damage.white_unclipped(dark, 25, np.random.default_rng(0))
    assert float(unclipped.std()) == pytest.approx(25, rel=0.02)


@pytest.mark.parametrize("level", [64, 128, 160])
def test_too_little_light_varies_as_photons_do(level: int) -> None:
    seen = damage.low_light(grey(level), np.random.default_rng(0), photons=40, read=3)
    should = 255 * np.sqrt(level / 255 / 40 + (3 / 40) ** 2)
    assert float(seen.std()) == pytest.approx(should, rel=0.05)


def test_a_camera_in_good_light_shows_what_is_there() -> None:
    best = Camera(electrons=1e6, read=0, smoothing=0, denoising=0, sharpening=0)
    assert error(best.film(scene(), np.random.default_rng(0)), scene()) < 6


def test_a_camera_in_the_dark_is_noisier_and_its_noise_is_correlated() -> None:
    flat = grey(110)
    noisy, less = (
        Camera(electrons=electrons).film(flat, np.random.default_rng(0)) for electrons in (60, 2000)
    )
    assert error(noisy, flat) > 3 * error(less, flat)

    def neighbours(picture: Picture) -> float:
        off = picture[..., 0] - picture[..., 0].mean()
        return float((off[:, 1:] * off[:, :-1]).mean() / (off**2).mean())

    assert neighbours(noisy) > 0.3
    assert abs(neighbours(damage.white(flat, 25, np.random.default_rng(0)))) < 0.05


def test_codecs_do_more_harm_at_lower_quality() -> None:
    picture = scene()
    by_jpeg = [error(damage.jpeg(picture, quality), picture) for quality in (90, 40, 10)]
    by_h264 = [error(damage.h264([picture], crf), picture) for crf in (20, 35, 42)]
    assert by_jpeg == sorted(by_jpeg)
    assert by_h264 == sorted(by_h264)


def test_of_several_pictures_the_last_comes_through_the_codec() -> None:
    first, last = scene(), scene()[:, ::-1].copy()
    assert error(damage.h264([first, first, last], 20), last) < error(
        damage.h264([first, first, last], 20), first
    )


def test_fog_takes_contrast_and_most_from_what_is_far() -> None:
    harms = [partial(damage.fog, thickness=thickness) for thickness in (1, 3)]
    thin, thick = (harm(scene(), rng=np.random.default_rng(0)) for harm in harms)
    assert thick.std() < thin.std() < scene().std()
    half = thick.shape[0] // 2
    kept = [
        part.std() / scene()[where].std()
        for part, where in ((thick[:half], np.s_[:half]), (thick[half:], np.s_[half:]))
    ]
    assert kept[0] < kept[1]
